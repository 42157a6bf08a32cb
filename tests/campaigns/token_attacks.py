"""Mutates good tokens, and asks the verifier about each: none may be taken, and none may take long.

    python -m tests.campaigns.token_attacks --tokens 100000 --seed 7

A mutation changes characters, parts, bytes or claims, but never signs again. The same seed makes the same mutations
of tokens that have the same times in them.
"""

import argparse
import asyncio
import base64
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from appliance.foundation import SystemClock
from appliance.identity.oidc import Claims, OidcSettings, TokenRefused
from appliance.identity.oidc.fetch import Fetch
from appliance.identity.oidc.jwks import SigningKeys
from appliance.identity.oidc.provider import Provider
from appliance.identity.oidc.tokens import TokenVerifier
from tests.fakes.forge import base64url, part
from tests.fakes.provider import CLIENT, FakeProvider, providing
from tests.support.token_attacks import World

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
OTHERS = LETTERS + ".=+/ \t\r\n\x00%&,;:'\"éΑа\u200b"
Mutation = Callable[[random.Random, str, str], str]


def flip_character(rng: random.Random, token: str, _: str) -> str:
    at = rng.randrange(len(token))
    return token[:at] + rng.choice(OTHERS) + token[at + 1 :]


def insert_character(rng: random.Random, token: str, _: str) -> str:
    at = rng.randrange(len(token) + 1)
    return token[:at] + rng.choice(OTHERS) + token[at:]


def delete_characters(rng: random.Random, token: str, _: str) -> str:
    at, count = rng.randrange(len(token)), rng.choice((1, 1, 1, 2, 4, 30))
    return token[:at] + token[at + count :]


def swap_characters(rng: random.Random, token: str, _: str) -> str:
    at, other = sorted(rng.sample(range(len(token)), 2))
    return token[:at] + token[other] + token[at + 1 : other] + token[at] + token[other + 1 :]


def repeat_piece(rng: random.Random, token: str, _: str) -> str:
    at, length = rng.randrange(len(token)), rng.choice((1, 2, 16, 200))
    return token[: at + length] + token[at : at + length] + token[at + length :]


def other_case(rng: random.Random, token: str, _: str) -> str:
    at = rng.choice([i for i, c in enumerate(token) if c.isalpha()])
    return token[:at] + token[at].swapcase() + token[at + 1 :]


def loose_bits(rng: random.Random, token: str, _: str) -> str:
    """The last character of a part, where an encoder leaves bits that lenient decoders drop."""
    parts = token.split(".")
    which = rng.randrange(3)
    parts[which] = parts[which][:-1] + rng.choice(LETTERS)
    return ".".join(parts)


def flip_bit(rng: random.Random, token: str, _: str) -> str:
    parts = token.split(".")
    which = rng.randrange(3)
    data = bytearray(_decoded(parts[which]))
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    parts[which] = base64url(bytes(data))
    return ".".join(parts)


def other_parts(rng: random.Random, token: str, other: str) -> str:
    """Parts of two good tokens, mixed."""
    pairs = list(zip(token.split("."), other.split("."), strict=True))
    mixed = [pair[rng.randrange(2)] for pair in pairs]
    if rng.random() < 0.3:
        rng.shuffle(mixed)
    return ".".join(mixed)


def other_claim(rng: random.Random, token: str, _: str) -> str:
    header, payload, signature = token.split(".")
    claims = json.loads(_decoded(payload))
    _change(rng, claims)
    return f"{header}.{part(claims)}.{signature}"


def other_header(rng: random.Random, token: str, _: str) -> str:
    header, payload, signature = token.split(".")
    fields = json.loads(_decoded(header))
    _change(rng, fields)
    return f"{part(fields)}.{payload}.{signature}"


def other_signature(rng: random.Random, token: str, _: str) -> str:
    head = token.rpartition(".")[0]
    return f"{head}.{base64url(rng.randbytes(rng.choice((0, 1, 32, 64, 256, 255, 257, 512))))}"


def written_anew(rng: random.Random, token: str, _: str) -> str:
    """The same claims with other spaces or another order: other bytes than were signed."""
    header, payload, signature = token.split(".")
    claims = json.loads(_decoded(payload))
    text = json.dumps(
        dict(sorted(claims.items())), indent=rng.choice((None, 1, 2)), separators=(",", rng.choice((":", ": ")))
    )
    return f"{header}.{part(text)}.{signature}"


MUTATIONS: tuple[Mutation, ...] = (
    flip_character,
    insert_character,
    delete_characters,
    swap_characters,
    repeat_piece,
    other_case,
    loose_bits,
    flip_bit,
    other_parts,
    other_claim,
    other_header,
    other_signature,
    written_anew,
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    1.5,
    "",
    "none",
    "x",
    [],
    ["x"],
    {},
    "RS256",
    "HS256",
    "sub-bob",
    CLIENT,
)


def _change(rng: random.Random, fields: dict[str, Any]) -> None:
    name = rng.choice(sorted(fields))
    match rng.randrange(3):
        case 0:
            del fields[name]
        case 1:
            fields[name] = rng.choice(VALUES)
        case _:
            fields[rng.choice(("alg", "kid", "crit", "jku", "b64", "sub", "aud", "exp", "x"))] = rng.choice(VALUES)


def _decoded(piece: str) -> bytes:
    return base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))


def mutants(world: World, count: int, seed: int) -> list[str]:
    """Different ones, none of them a good token."""
    rng = random.Random(seed)
    good = [world.provider.mint(user, jti=str(i)) for i, user in enumerate((world.ann, world.bob) * 8)]
    found: dict[str, None] = {}
    while len(found) < count:
        token = rng.choice(good)
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            try:
                token = rng.choice(MUTATIONS)(rng, token, rng.choice(good)) or token
            except (ValueError, LookupError, TypeError):
                break  # too broken already for this mutation
        if token not in good:
            found[token] = None
    return list(found)


@dataclass
class Verdict:
    """What became of tokens that must all be refused."""

    reasons: Counter[str] = field(default_factory=Counter)
    times_ms: list[float] = field(default_factory=list)
    """Of the processor: the clock on the wall would measure neighbours."""
    taken: list[tuple[str, Claims]] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)

    def of_ms(self, share: float) -> float:
        return sorted(self.times_ms)[min(len(self.times_ms) - 1, int(share * len(self.times_ms)))]

    def __str__(self) -> str:
        reasons = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common())
        return (
            f"{len(self.times_ms)} tokens: {len(self.taken)} taken, {len(self.broken)} errors; "
            f"ms p50 {self.of_ms(0.5):.3f}, p99 {self.of_ms(0.99):.3f}, most {max(self.times_ms):.3f}; {reasons}"
        )


async def judge(verifier: TokenVerifier, tokens: list[str]) -> Verdict:
    verdict = Verdict()
    for token in tokens:
        began = time.process_time()
        try:
            claims = await verifier.access_token(token)
        except TokenRefused as refused:
            verdict.reasons[refused.reason] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it would be a 500, and that is the finding
            verdict.broken.append((token, repr(error)))
        else:
            verdict.taken.append((token, claims))
        verdict.times_ms.append((time.process_time() - began) * 1000)
    return verdict


async def campaign(count: int, seed: int) -> Verdict:
    """Mutants of tokens of each kind of key."""
    async with providing(FakeProvider()) as provider:
        world = World.over(provider, "http://127.0.0.1:1")
        settings = OidcSettings(provider.issuer, CLIENT, timeout_s=30)
        fetch = Fetch(settings)
        keys = SigningKeys(Provider(settings, fetch))
        verifier = TokenVerifier(settings, keys, SystemClock())
        published, verdict = provider.keys, Verdict()
        try:
            for i, key in enumerate(published):
                provider.keys = [*(k for k in published if k is not key), key]
                await verifier.access_token(world.good())
                part_of = await judge(verifier, mutants(world, count // len(published), seed + i))
                verdict.reasons.update(part_of.reasons)
                verdict.times_ms += part_of.times_ms
                verdict.taken += part_of.taken
                verdict.broken += part_of.broken
            await verifier.access_token(world.good())
        finally:
            await fetch.close()
    return verdict


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    result = asyncio.run(campaign(chosen.tokens, chosen.seed))
    print(result)
    raise SystemExit(bool(result.taken or result.broken))

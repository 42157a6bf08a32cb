"""Attack tables of bearer tokens: each row is a list of named tokens that must be refused, made from honest ones.

Whatever is wrong with a token of these tables is wrong alone: everything else about it is honest, signature included
where the attack is not about the signature. So each stands for one rule.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.forge import SigningKey, base64url, signed, unsigned, with_secret
from tests.fakes.provider import BACKCHANNEL_EVENT, CLIENT, FakeProvider, FakeUser

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
WEIRD: Mapping[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "a number": 7,
    "a fraction": 1.5,
    "empty": "",
    "a list": [],
    "an object": {},
    "a list of null": [None],
    "very long": "x" * 5000,
    "NUL": "\x00",
}


@dataclass(frozen=True)
class Attack:
    row: str
    name: str
    token: str

    def __str__(self) -> str:
        return f"{self.row} {self.name}"


@dataclass(frozen=True)
class World:
    """A provider with one key of each kind, a person to be, and somebody else's keys and listener."""

    provider: FakeProvider
    ann: FakeUser
    bob: FakeUser
    stranger: SigningKey
    listener: str
    """Address of the attacker; nothing may ever come there."""

    @classmethod
    def over(cls, provider: FakeProvider, listener: str) -> "World":
        provider.keys = [
            SigningKey.made("pss", "PS256"),
            SigningKey.made("curve", "ES256"),
            SigningKey.made("edwards", "EdDSA"),
            SigningKey.made("rsa", "RS256"),
        ]
        ann, bob = provider.user("ann"), provider.user("bob", groups=("/staff", "/admins"))
        return cls(provider, ann, bob, SigningKey.made("rsa"), listener)

    def claims(self, **other: Any) -> dict[str, Any]:
        return self.provider.access_claims(self.ann, **other)

    def good(self, **other: Any) -> str:
        return self.provider.mint(self.ann, **other)

    def with_header(self, **other: Any) -> str:
        """An honest token but for its header, which is signed as well."""
        return signed(self.provider.header(**other), self.claims(), self.provider.key)

    def raw(self, header: str | None = None, payload: str | None = None) -> str:
        """Text instead of JSON that a library would write."""
        return signed(header or self.provider.header(), payload or self.claims(), self.provider.key)


Table = Iterator[tuple[str, str]]


def unsigned_tokens(w: World) -> Table:
    """01: `alg` none in all spellings."""
    spellings = ("none", "None", "NONE", "nOnE", "nonE", "", " none", "none ", "none\x00", "nοne", "null", "HS256 ")
    odd: dict[str, Any] = {
        "null": None,
        "true": True,
        "zero": 0,
        "list": ["none"],
        "list of ours": ["RS256"],
        "object": {},
    }
    claims = w.claims()
    for spelling in spellings:
        for what, signature in (("no signature", b""), ("one byte", b"x"), ("zeros", bytes(256))):
            yield f"{spelling!r}, {what}", unsigned(w.provider.header(alg=spelling), claims, signature)
    for what, value in odd.items():
        yield f"alg is {what}", unsigned(w.provider.header(alg=value), claims, b"x")
        yield f"alg is {what}, really signed", signed(w.provider.header(alg=value), claims, w.provider.key)
    header = w.provider.header()
    del header["alg"]
    yield "no alg, really signed", signed(header, claims, w.provider.key)
    yield "the real alg, no signature", unsigned(w.provider.header(), claims)
    yield "the real alg, empty bytes", unsigned(w.provider.header(), claims, bytes(256))
    yield "two parts only", w.good().rpartition(".")[0]


def confused_tokens(w: World) -> Table:
    """02: the public key taken for a shared secret."""
    for key in w.provider.keys:
        for form, secret in key.public_forms().items():
            for algorithm in ("HS256", "HS384", "HS512"):
                header = {"alg": algorithm, "typ": "JWT", "kid": key.kid}
                yield f"{key.kid} as {form}, {algorithm}", with_secret(header, w.claims(), secret)
        header = {"alg": key.algorithm, "typ": "JWT", "kid": key.kid}
        yield f"{key.kid}, its own alg over an HMAC", with_secret(header, w.claims(), key.public_forms()["PEM"])


def crossed_algorithms(w: World) -> Table:
    """03: a key used with an algorithm that is not its own, also where it could."""
    for key in w.provider.keys:
        for algorithm in ALGORITHMS:
            if algorithm == key.algorithm:
                continue
            header = {"alg": algorithm, "typ": "JWT", "kid": key.kid}
            yield f"{key.kid} as {algorithm}, signed as its own", signed(header, w.claims(), key)
            both = {algorithm[:2], key.algorithm[:2]}
            if both <= {"RS", "PS"}:
                yield f"{key.kid} as {algorithm}, signed so", signed(header, w.claims(), key, algorithm)
        for other in w.provider.keys:
            if other is not key:
                header = {"alg": key.algorithm, "typ": "JWT", "kid": key.kid}
                yield f"{key.kid}, signed by {other.kid}", signed(header, w.claims(), other)
    stranger = {"alg": "RS256", "typ": "JWT", "kid": "rsa"}
    yield "a stranger's key of the same id", signed(stranger, w.claims(), w.stranger)


def wrong_audiences(w: World) -> Table:
    """04: not for us, or not from a client of ours."""
    near = (
        "Appliance",
        "APPLIANCE",
        "appliance ",
        " appliance",
        "appliance/",
        "appliances",
        "applianc",
        "*",
        "appliance,x",
    )
    for audience in (*near, "other", "account", "appliance\x00", "аppliance", "appliance|other"):
        yield f"aud {audience!r}", w.good(aud=audience)
        yield f"aud [{audience!r}]", w.good(aud=[audience, "account"])
        yield f"azp {audience!r}", w.good(azp=audience)
        yield f"client_id {audience!r} only", w.good(azp=None, client_id=audience)
    for what, value in WEIRD.items():
        yield f"aud is {what}", w.raw(payload=_json({**w.claims(), "aud": value}))
        yield (
            f"aud has {what} beside ours",
            w.good(aud=[CLIENT, value]) if not isinstance(value, str) else w.good(aud=value),
        )
        yield f"azp is {what}", w.raw(payload=_json({**w.claims(), "azp": value}))
    yield "aud is missing", w.good(aud=None)
    yield "aud is an object with ours", w.good(aud={CLIENT: True})
    yield "aud is a list in a list", w.good(aud=[[CLIENT]])
    yield "azp is missing", w.good(azp=None)
    yield "azp is a list with ours", w.good(azp=[CLIENT])
    yield "azp and client_id differ", w.good(client_id="other")
    yield "azp is another's, client_id ours", w.good(azp="other", client_id=CLIENT)


def wrong_issuers(w: World) -> Table:
    """05: another issuer, however like ours."""
    real = w.provider.issuer
    host = w.provider.url.removeprefix("http://")
    near = {
        "a slash more": real + "/",
        "two slashes": real.replace("/realms", "//realms"),
        "another realm": real.replace("/firm", "/other"),
        "a realm that begins so": real + "-test",
        "upper case": real.upper(),
        "upper case scheme": real.replace("http", "HTTP", 1),
        "https": real.replace("http:", "https:", 1),
        "a name for the address": real.replace("127.0.0.1", "localhost"),
        "another port": real.replace(":", ":1", 2),
        "a user in it": real.replace("//", "//x@"),
        "a query": real + "?",
        "a fragment": real + "#",
        "dots": real + "/../firm",
        "percent": real.replace("realms", "%72ealms"),
        "a space after": real + " ",
        "a space before": " " + real,
        "a newline": real + "\n",
        "NUL": real + "\x00",
        "a look-alike letter": real.replace("realms", "reаlms"),
        "the attacker": f"{w.listener}/realms/firm",
        "the attacker with our host below": f"{w.listener}/{host}/realms/firm",
        "host only": w.provider.url,
    }
    for what, issuer in near.items():
        yield what, w.good(iss=issuer)
    for what, value in WEIRD.items():
        yield f"iss is {what}", w.raw(payload=_json({**w.claims(), "iss": value}))
    yield "iss is missing", w.good(iss=None)
    yield "iss is a list with ours", w.good(iss=[real])
    yield "iss is an object with ours", w.good(iss={real: real})


def wrong_times(w: World) -> Table:
    """06: over, not begun, or no number at all."""
    now = int(time.time())
    kinds: dict[str, str] = {
        "text": f'"{now + 100}"',
        "a fraction": f"{now + 100}.5",
        "a float that is whole": f"{now + 100}.0",
        "an exponent": "2e9",
        "more than any float": "1e400",
        "negative": "-1",
        "minus endless": "-1e400",
        "NaN": "NaN",
        "Infinity": "Infinity",
        "null": "null",
        "true": "true",
        "a list": f"[{now + 100}]",
        "an object": "{}",
        "empty text": '""',
        "2**53 + 1": str(2**53 + 1),
        "2**63": str(2**63),
        "2**64": str(2**64),
        "a thousand digits": "9" * 1000,
        "a leading zero": f"0{now + 100}",
        "hexadecimal": hex(now + 100),
    }
    for name in ("exp", "iat", "nbf"):
        for what, text in kinds.items():
            claims = {**w.claims(), name: "@"}
            yield f"{name} is {what}", w.raw(payload=_json(claims).replace('"@"', text))
    for ago in (31, 60, 3600, 86400):
        yield f"over for {ago} s", w.good(exp=now - ago, iat=now - ago - 300)
    for ahead in (35, 60, 3600):
        yield f"nbf in {ahead} s", w.good(nbf=now + ahead)
        yield f"iat in {ahead} s", w.good(iat=now + ahead, exp=now + ahead + 300)
    yield "exp is missing", w.good(exp=None)
    yield "iat is missing", w.good(iat=None)
    yield "exp is zero", w.good(exp=0, iat=0)
    yield "exp before iat", w.good(exp=now - 10, iat=now)
    yield "exp twice, the living one first", w.raw(payload=_twice(w.claims(), "exp", now + 100, now - 100))
    yield "exp twice, the living one last", w.raw(payload=_twice(w.claims(), "exp", now - 100, now + 100))


def wrong_kids(w: World) -> Table:
    """07: key ids that are paths, queries, or nothing; all but the last signed by a stranger."""
    ids: tuple[Any, ...] = (
        "../../key",
        "/dev/null",
        "file:///dev/null",
        f"{w.listener}/key",
        "' OR 1=1 --",
        "rsa' UNION SELECT 'x",
        "rsa\x00",
        "rsa\n",
        "RSA",
        "rsa ",
        "",
        "%s%n",
        "${jndi:ldap://x}",
        "{{7*7}}",
        "k" * 201,
        "k" * 1400,
        "__proto__",
        "unknown",
        "\u202ersa",
    )
    for kid in ids:
        yield f"{str(kid)[:20]!r} of {len(str(kid))}", signed(w.provider.header(kid=kid), w.claims(), w.stranger)
    for what, value in WEIRD.items():
        yield f"kid is {what}", signed(w.provider.header(kid=value), w.claims(), w.provider.key)
    yield "a list with ours", w.with_header(kid=["rsa"])
    yield "a megabyte", signed(w.provider.header(kid="k" * 1_000_000), w.claims(), w.stranger)
    header = w.provider.header()
    del header["kid"]
    yield "kid is missing", signed(header, w.claims(), w.provider.key)
    yield "kid of the payload", signed(header, {**w.claims(), "kid": "rsa"}, w.provider.key)


def keys_in_headers(w: World) -> Table:
    """08: the attacker brings the key along, or says where to fetch it."""
    jwk, url = w.stranger.jwk(), w.listener
    der = base64url(w.stranger.public_forms()["DER"])
    brought: dict[str, dict[str, Any]] = {
        "jku": {"jku": f"{url}/jwks"},
        "jku beside ours": {"jku": f"{w.provider.issuer}/certs@{url}"},
        "x5u": {"x5u": f"{url}/cert"},
        "jwk": {"jwk": jwk},
        "jwk as text": {"jwk": _json(jwk)},
        "x5c": {"x5c": [der]},
        "x5c as text": {"x5c": der},
        "x5t": {"x5t": base64url(b"x" * 20), "x5c": [der]},
        "all": {"jku": f"{url}/a", "x5u": f"{url}/b", "jwk": jwk, "x5c": [der]},
        "jku by upper case": {"JKU": f"{url}/jwks"},
        "url": {"url": f"{url}/jwks"},
        "jwks": {"jwks": {"keys": [jwk]}},
    }
    for what, more in brought.items():
        yield f"{what}, our kid", signed({**w.provider.header(), **more}, w.claims(), w.stranger)
        yield f"{what}, their kid", signed({**w.provider.header(kid="theirs"), **more}, w.claims(), w.stranger)
        header = {k: v for k, v in w.provider.header().items() if k != "kid"}
        yield f"{what}, no kid", signed({**header, **more}, w.claims(), w.stranger)


def other_kinds(w: World) -> Table:
    """09: good tokens of our provider for our client that are no access tokens."""
    now = int(time.time())
    yield "ID token", w.provider.id_token(w.ann, "n")
    yield "ID token without typ", w.provider.id_token(w.ann, "n", typ=None)
    yield "ID token that says Bearer", w.good(nonce="n")
    yield "with at_hash", w.good(at_hash="x")
    yield "with c_hash", w.good(c_hash="x")
    yield "logout token", w.provider.logout_token(w.ann)
    yield "logout token with azp", w.provider.logout_token(w.ann, azp=CLIENT)
    yield "logout token that says Bearer", w.provider.logout_token(w.ann, azp=CLIENT, typ="Bearer")
    yield "events in an access token", w.good(events={BACKCHANNEL_EVENT: {}})
    yield "bound to a key", w.good(cnf={"jkt": "x"})
    yield "bound to a certificate", w.good(cnf={"x5t#S256": "x"})
    for kind in ("Refresh", "Offline", "ID", "Logout", "DPoP", "bearer", "BEARER", "Bearer ", "Action", "", "refresh"):
        yield f"typ {kind!r}", w.good(typ=kind)
    for what, value in WEIRD.items():
        yield f"typ is {what}", w.raw(payload=_json({**w.claims(), "typ": value}))
        if value != "":
            yield f"typ of the header is {what}", w.with_header(typ=value)
    yield "no typ", w.good(typ=None)
    yield "no typ, JWT twice", signed(w.provider.header(cty="JWT"), w.claims(typ=None), w.provider.key)
    for typ in ("logout+jwt", "dpop+jwt", "secevent+jwt", "id_token", "JOSE", "JWE", "at+jwt2", "x/at+jwt", "JWT "):
        yield f"header typ {typ}", w.with_header(typ=typ)
    yield "at+jwt that says ID", signed(w.provider.header(typ="at+jwt"), w.claims(typ="ID"), w.provider.key)
    for what, value in WEIRD.items():
        if what != "very long":
            yield f"sub is {what}", w.raw(payload=_json({**w.claims(), "sub": value}))
    yield "sub is missing", w.good(sub=None)
    yield "sub is too long", w.good(sub="s" * 256)
    yield "sub with spaces", w.good(sub=" sub-ann")
    yield "sub is a list with hers", w.good(sub=["sub-ann"])
    yield "an hour that is over", w.good(exp=now - 3600, iat=now - 7200)


def bent_tokens(w: World) -> Table:
    """10: good tokens, changed by hand."""
    good, other = w.good(), w.provider.mint(w.bob)
    header, payload, signature = good.split(".")
    yield "A's signature under B's claims", ".".join((header, other.split(".")[1], signature))
    yield "B's signature under A's claims", ".".join((header, payload, other.split(".")[2]))
    yield (
        "A with B's sub",
        ".".join((header, base64url(_json({**w.claims(), "sub": w.bob.subject}).encode()), signature)),
    )
    for cut in (1, 2, 3, 10, 100, len(signature) - 2, len(signature)):
        yield f"signature cut by {cut}", good[: len(good) - cut]
    yield from {
        "a dot more": good + ".",
        "a dot before": "." + good,
        "two dots": good.replace(".", "..", 1),
        "a fourth part": good + ".x",
        "five parts, as a JWE": f"{header}.{payload}.{signature}.{payload}.{signature}",
        "no header": f".{payload}.{signature}",
        "no payload": f"{header}..{signature}",
        "payload twice": f"{header}.{payload}.{payload}.{signature}",
        "padding": good + "=",
        "padding of each part": f"{header}=.{payload}=.{signature}=",
        "a character more": good + "A",
        "base64 with plus": good + "+",
        "base64 with slash": good + "/",
        "upper case": good.upper(),
        "reversed": good[::-1],
        "a comma and another": f"{good},{other}",
        "JSON": _json({"payload": payload, "protected": header, "signature": signature}),
        "100 KB": f"{header}.{base64url(b'x' * 75_000)}.{signature}",
        "100 KB of signature": f"{header}.{payload}.{'A' * 100_000}",
        "header of 3 KB": signed({**w.provider.header(), "x": "y" * 3000}, w.claims(), w.provider.key),
        "20 KB, really signed": w.good(more="z" * 16_000),
    }.items()
    yield "payload is a list", w.raw(payload=_json([w.claims()]))
    yield "payload is text", w.raw(payload='"text"')
    yield "payload is empty", w.raw(payload="{}")
    yield "payload is no JSON", w.raw(payload=_json(w.claims())[:-1])
    yield "payload with more behind it", w.raw(payload=_json(w.claims()) + "{}")
    yield "payload with a byte order mark", w.raw(payload="\ufeff" + _json(w.claims()))
    yield "header is a list", w.raw(header=_json([w.provider.header()]))
    yield "header is no JSON", w.raw(header="{alg:RS256}")
    yield "deep header", w.raw(header=_json(w.provider.header())[:-1] + ',"x":' + "[" * 500 + "]" * 500 + "}")
    yield "deep payload", w.raw(payload=_json(w.claims())[:-1] + ',"x":' + "[" * 4000 + "]" * 4000 + "}")
    yield "UTF-16", signed(w.provider.header(), _json(w.claims()).encode("utf-16"), w.provider.key)
    yield "no UTF-8", signed(w.provider.header(), _json(w.claims()).encode()[:-1] + b',"x":"\xff"}', w.provider.key)
    yield "a lone surrogate", w.raw(payload=_json(w.claims())[:-1] + ',"x":"\\ud800"}')
    yield "a comment", w.raw(payload=_json(w.claims())[:-1] + "/* */}")


def bent_headers(w: World) -> Table:
    """11: headers that change what is signed or how it is read."""
    for what, value in {
        "ours": ["exp"],
        "b64": ["b64"],
        "unknown": ["x"],
        "empty": [],
        "text": "exp",
        "null": None,
    }.items():
        yield f"crit {what}", w.with_header(crit=value, x=1)
    for what, flag in {"false": False, "true": True, "text": "false", "zero": 0, "null": None}.items():
        yield f"b64 {what}", w.with_header(b64=flag)
        yield f"b64 {what}, critical", w.with_header(b64=flag, crit=["b64"])
    yield "zip", w.with_header(zip="DEF")
    yield "enc", w.with_header(enc="A256GCM")
    real, claims = w.provider.header(), w.claims()
    doubled: dict[str, tuple[str, Any, Any]] = {
        "alg, ours last": ("alg", "none", "RS256"),
        "alg, ours first": ("alg", "RS256", "none"),
        "alg twice the same": ("alg", "RS256", "RS256"),
        "kid, ours last": ("kid", "x", "rsa"),
        "kid, ours first": ("kid", "rsa", "x"),
        "typ": ("typ", "JWT", "at+jwt"),
    }
    for what, (name, first, second) in doubled.items():
        yield f"twice {what}", w.raw(header=_twice(real, name, first, second))
    for name, first, second in (
        ("sub", "sub-bob", "sub-ann"),
        ("sub", "sub-ann", "sub-bob"),
        ("iss", "http://x.test", w.provider.issuer),
        ("aud", "other", CLIENT),
        ("azp", "other", CLIENT),
        ("typ", "ID", "Bearer"),
        ("groups", [], ["/staff", "/admins"]),
    ):
        yield f"twice {name}: {first} and {second}", w.raw(payload=_twice(claims, name, first, second))
    escaped = _json(claims)[:-1] + ',"su\\u0062":"sub-bob"}'
    yield "twice sub, once escaped", w.raw(payload=escaped)
    yield "twice alg, once escaped", w.raw(header=_json(real)[:-1] + ',"al\\u0067":"none"}')


ROWS: dict[str, Callable[[World], Table]] = {
    "AUTH-01": unsigned_tokens,
    "AUTH-02": confused_tokens,
    "AUTH-03": crossed_algorithms,
    "AUTH-04": wrong_audiences,
    "AUTH-05": wrong_issuers,
    "AUTH-06": wrong_times,
    "AUTH-07": wrong_kids,
    "AUTH-08": keys_in_headers,
    "AUTH-09": other_kinds,
    "AUTH-10": bent_tokens,
    "AUTH-11": bent_headers,
}


def attacks(world: World, row: str) -> list[Attack]:
    return [Attack(row, name, token) for name, token in ROWS[row](world)]


def controls(w: World) -> dict[str, str]:
    """Honest tokens at the edge of what is refused: without them, a door that is shut would pass every test."""
    now = int(time.time())
    return {
        "plain": w.good(),
        "aud alone": w.good(aud=CLIENT),
        "aud in a list": w.good(aud=["other", CLIENT]),
        "client_id instead of azp": w.good(azp=None, client_id=CLIENT),
        "both the same": w.good(client_id=CLIENT),
        "over for 20 s": w.good(exp=now - 20, iat=now - 320),
        "begins in 20 s": w.good(nbf=now + 20),
        "made in 20 s": w.good(iat=now + 20, exp=now + 320),
        "at+jwt": signed(w.provider.header(typ="at+jwt"), w.claims(typ=None), w.provider.key),
        "application/at+jwt": signed(w.provider.header(typ="application/at+jwt"), w.claims(), w.provider.key),
        "no typ of the header": signed(
            {k: v for k, v in w.provider.header().items() if k != "typ"}, w.claims(), w.provider.key
        ),
        "jku that is not looked at": w.with_header(jku=f"{w.listener}/jwks"),
        **{f"by the {key.kid} key": signed(_header_of(key), w.claims(), key) for key in w.provider.keys},
    }


def _header_of(key: SigningKey) -> dict[str, str]:
    return {"alg": key.algorithm, "typ": "JWT", "kid": key.kid}


def _twice(fields: Mapping[str, Any], name: str, first: Any, second: Any) -> str:
    """JSON in which a key stands twice."""
    rest = {k: v for k, v in fields.items() if k != name}
    return f'{{"{name}":{_json(first)},{_json(rest)[1:-1]},"{name}":{_json(second)}}}'


def _json(value: Any) -> str:
    return json.dumps(value)

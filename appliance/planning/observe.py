"""What an engine that runs takes and gives, seen from outside."""

import random
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.planning.errors import PlanImpossible

PROC = Path("/proc")
SHORT, LONG = 4, 68
"""Tokens of the two answers whose times are compared: what is the same in both falls out."""
READ = 1000
"""Words of the long prompt."""
WORDS = "the of and to in is for on that with as by at from it an be this are or was which not have".split()

Ask = Callable[[str, int], Awaitable[tuple[int, int]]]
"""(prompt, most tokens) → tokens of the prompt and of the answer."""


@dataclass(frozen=True, slots=True)
class Speed:
    tokens_per_s: float
    prompt_tokens_per_s: float


async def speed_of(ask: Ask, clock: Callable[[], float] = time.perf_counter) -> Speed:
    """Raises PlanImpossible: the model answers too shortly to be measured."""
    await ask(_prompt(3), SHORT)
    short_s, _, short = await _timed(ask, clock, 3, SHORT)
    long_s, _, long = await _timed(ask, clock, 3, LONG)
    if long - short < LONG // 4 or long_s <= short_s:
        raise PlanImpossible(f"The model answered {long} tokens; that is too short to measure it.", remedy="Try again.")
    few_s, few, _ = await _timed(ask, clock, 3, 1)
    many_s, many, _ = await _timed(ask, clock, READ, 1)
    reading = (many - few) / (many_s - few_s) if many_s > few_s else 0.0
    return Speed((long - short) / (long_s - short_s), reading)


async def _timed(ask: Ask, clock: Callable[[], float], words: int, most: int) -> tuple[float, int, int]:
    """The faster of two: the slower one was disturbed."""
    found = []
    for _ in range(2):
        prompt = _prompt(words)
        begin = clock()
        read, written = await ask(prompt, most)
        found.append((clock() - begin, read, written))
    return min(found)


def _prompt(words: int) -> str:
    """Never the same twice: what an engine has read before, it does not read again."""
    text = " ".join(random.choice(WORDS) for _ in range(words))  # noqa: S311 - no secret
    return f"Go on with this text, at length, without an end: {random.random()} {text}"  # noqa: S311 - as above


def engines_of(model_id: str, proc: Path = PROC) -> list[list[int]]:
    """The engines of a model on this machine, each with its children; the oldest process first.

    What runs in containers is somebody else's, although the host sees it.
    """
    parents: dict[int, int] = {}
    roots: list[int] = []
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue  # it has ended meanwhile
        if b"vllm.entrypoints.openai.api_server" in words and model_id.encode() in words and _is_ours(folder, proc):
            roots.append(int(folder.name))
    tops = [pid for pid in sorted(roots) if parents[pid] not in roots]
    return [_with_children(pid, parents) for pid in tops]


def _is_ours(process: Path, proc: Path) -> bool:
    try:
        return (process / "ns" / "pid").readlink() == (proc / "self" / "ns" / "pid").readlink()
    except OSError:
        return True  # of another user, who does not say


def _with_children(pid: int, parents: dict[int, int]) -> list[int]:
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return sorted(found)
        found |= more


def memory_gib(pids: list[int], proc: Path = PROC) -> float:
    """Of an engine's processes together: what each has of its own, and once the code that they share.

    What other engines on the machine share of the same files does not make it less. Raises PlanImpossible.
    """
    own, code = 0, 0
    for pid in pids:
        try:
            lines = (proc / str(pid) / "status").read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise PlanImpossible(f"Process {pid} cannot be looked at.", remedy="Measure again.") from error
        kib = {line.partition(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Rss")}
        own += kib.get("RssAnon", 0) + kib.get("RssShmem", 0)
        code = max(code, kib.get("RssFile", 0))
    return (own + code) / 2**20


def gpu_memory_gib(pids: list[int]) -> float:
    """Of the GPU on which they take most; 0 without any."""
    question = ["nvidia-smi", "--query-compute-apps=pid,gpu_uuid,used_memory", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(question, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - no shell
    except (OSError, subprocess.SubprocessError):
        return 0.0
    return parse_apps(done.stdout, pids)


def parse_apps(lines: str, pids: list[int]) -> float:
    """From lines of `pid, card, MiB`."""
    cards: dict[str, int] = {}
    for line in lines.splitlines():
        pid, _, rest = line.partition(",")
        card, _, used = rest.partition(",")
        if pid.strip().isdigit() and used.strip().isdigit() and int(pid) in pids:
            cards[card.strip()] = cards.get(card.strip(), 0) + int(used)
    return max(cards.values(), default=0) / 1024

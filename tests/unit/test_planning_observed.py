"""What is measured of an engine that runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from appliance.planning import PlanImpossible
from appliance.planning.observe import engines_of, memory_gib, parse_apps, speed_of


class Clocked:
    """An engine that takes a known time for each token, on a clock of its own."""

    def __init__(self, decode_s: float, prefill_s: float, fixed_s: float, longest: int = 10_000) -> None:
        self.now, self.longest = 0.0, longest
        self.decode_s, self.prefill_s, self.fixed_s = decode_s, prefill_s, fixed_s
        self.prompts: list[str] = []

    async def ask(self, prompt: str, most: int) -> tuple[int, int]:
        read, written = len(prompt.split()), min(most, self.longest)
        self.prompts.append(prompt)
        self.now += self.fixed_s + read * self.prefill_s + written * self.decode_s
        return read, written


async def test_speeds_come_out_whatever_is_the_same_in_all_calls() -> None:
    engine = Clocked(0.04, 0.001, 0.5)
    speed = await speed_of(engine.ask, lambda: engine.now)
    assert speed.tokens_per_s == pytest.approx(25.0)
    assert speed.prompt_tokens_per_s == pytest.approx(1000.0)
    assert len(set(engine.prompts)) == len(engine.prompts), "what was read before is not read again"


async def test_a_model_that_says_little_is_not_measured() -> None:
    engine = Clocked(0.04, 0.001, 0.5, longest=5)
    with pytest.raises(PlanImpossible):
        await speed_of(engine.ask, lambda: engine.now)


def test_the_engine_is_found_with_its_children() -> None:
    code = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; x = bytearray(64 << 20); "
        "print(1, flush=True); time.sleep(30)'])"
    )
    words = [sys.executable, "-c", code, "vllm.entrypoints.openai.api_server", "--served-model-name", "our-own-model"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (found,) = engines_of("our-own-model")
        try:
            assert parent.pid in found
            assert len(found) == 2
            assert memory_gib(found) > 64 / 1024
            assert engines_of("another-model") == []
        finally:
            for pid in found:
                subprocess.run(["kill", str(pid)], check=True)


def test_engines_side_by_side_are_told_apart_and_shared_code_counts_once(tmp_path: Path) -> None:
    def process(pid: int, parent: int, words: str, own_kib: int, code_kib: int) -> None:
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_bytes(words.replace(" ", "\0").encode())
        (folder / "stat").write_text(f"{pid} (a name) S {parent} 1 1")
        (folder / "status").write_text(f"Name:\ta\nRssAnon:\t{own_kib} kB\nRssFile:\t{code_kib} kB\nRssShmem:\t0 kB\n")

    server = "python -m vllm.entrypoints.openai.api_server --served-model-name small"
    process(1, 0, "init", 1, 1)
    process(10, 1, server, 2**20, 2**18)
    process(11, 10, "VLLM::EngineCore", 2**20, 2**19)
    process(12, 11, "VLLM::Worker", 2**21, 2**18)
    process(20, 1, server, 2**20, 2**18)
    process(30, 1, server, 2**20, 2**18)
    for name, space in (("self", "pid:[1]"), ("20", "pid:[1]"), ("30", "pid:[2]")):
        (tmp_path / name / "ns").mkdir(parents=True)
        (tmp_path / name / "ns" / "pid").symlink_to(space)
    assert engines_of("small", tmp_path) == [[10, 11, 12], [20]]
    assert memory_gib([10, 11, 12], tmp_path) == pytest.approx(1 + 1 + 2 + 0.5)


def test_a_process_that_is_gone_is_told() -> None:
    with pytest.raises(PlanImpossible):
        memory_gib([1], Path("/nowhere"))


def test_memory_of_a_gpu_is_that_of_the_fullest_one() -> None:
    lines = "10, GPU-a, 1024\n11, GPU-a, 2048\n10, GPU-b, 512\n99, GPU-a, 9999\nbroken\n"
    assert parse_apps(lines, [10, 11]) == 3.0
    assert parse_apps(lines, []) == 0.0

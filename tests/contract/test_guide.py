"""The examples of the guide for programs, word for word: only address and key are put in."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "programs.md"
EXAMPLES = re.findall(r"```(python|javascript)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
SHOWS = ["Berlin", "Berlin", "department=", "140 euros", "2 384", "Berlin", "Berlin"]
"""A word of what each one prints."""


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_guide_works(number: int, base_url: str, key: str, sdk: Path, node: str) -> None:
    language, code = EXAMPLES[number]
    code = code.replace("http://127.0.0.1:8080/v1", base_url).replace("pma_…", key)
    if language == "python":
        command, where = [sys.executable, "-c", code], sdk
    else:
        (sdk / "example.mjs").write_text(code, encoding="utf-8")
        command, where = [node, "example.mjs"], sdk
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert SHOWS[number] in done.stdout


def test_each_example_has_its_word() -> None:
    assert len(EXAMPLES) == len(SHOWS)

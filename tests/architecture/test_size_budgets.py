"""Files of at most 500 lines, functions of at most 60; a file that is larger wants to be two."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("appliance", "script", "tests")
FILE_LINES, FUNCTION_LINES = 500, 60

SOURCES = sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py") if "node_modules" not in p.parts)
WEB_SOURCES = sorted(
    p for kind in ("*.ts", "*.tsx", "*.css") for p in (ROOT / "appliance" / "webui" / "src").rglob(kind)
)


def test_there_are_sources() -> None:
    assert len(SOURCES) > 100
    assert len(WEB_SOURCES) > 20


@pytest.mark.parametrize("path", [*SOURCES, *WEB_SOURCES], ids=lambda p: str(p.relative_to(ROOT)))
def test_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= FILE_LINES
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_drawer_for_everything(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "misc", "common"}

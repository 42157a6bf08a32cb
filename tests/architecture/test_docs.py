"""What is written about the product is so, and nothing that people use goes unwritten."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import ASGIRoute
from msgspec import Struct
from typer.main import get_command

from appliance import cli
from appliance.app import build_app, build_parts
from appliance.inference.catalogue import Entry
from appliance.settings import NOT_SETTINGS, PREFIX, SHORT, Settings
from tests.support.gateway import settings_for

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
SOURCES = [
    path
    for folder in ("appliance", "script", "tests", "docs")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {"", ".py", ".ts", ".tsx", ".css", ".toml", ".sh", ".md"}
    and path.is_file()
    and not {"node_modules", "dist", "__pycache__", "samples"} & set(path.parts)
]

FIRST_CELL = re.compile(r"^\| `([^`]+)`", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def page(name: str) -> str:
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


def inner_structs(kind: object) -> list[type[Struct]]:
    """The struct of a field's type: itself, of `X | None`, or of `tuple[X, ...]`."""
    if isinstance(kind, type) and get_origin(kind) is None:
        return [kind] if issubclass(kind, Struct) else []
    return [struct for argument in get_args(kind) for struct in inner_structs(argument)]


def keys_of(kind: type[Struct], before: str = "", *, sections: bool = False) -> Iterator[str]:
    """Every key, dotted; lists of tables count themselves as well, plain sections only when asked for."""
    for field in msgspec.structs.fields(kind):
        name, inner = before + field.name, inner_structs(field.type)
        if not inner or sections or get_origin(field.type) is tuple:
            yield name
        for struct in inner:
            yield from keys_of(struct, name + ".", sections=sections)


def defaults_of(kind: type[Struct], before: str = "") -> Iterator[tuple[str, str]]:
    """Numbers and words; an empty default is told in words."""
    for field in msgspec.structs.fields(kind):
        if isinstance(field.default, Struct):
            yield from defaults_of(type(field.default), f"{before}{field.name}.")
        elif isinstance(field.default, int | float | str) and field.default != "":
            yield before + field.name, msgspec.json.encode(field.default).decode().strip('"')  # as TOML has it


def commands_of(command: Any, words: str = "appliance") -> dict[str, set[str]]:
    """Each command with its options."""
    if not hasattr(command, "commands"):
        return {words: {o for p in command.params for o in (*p.opts, *p.secondary_opts) if o.startswith("--")}}
    found: dict[str, set[str]] = {}
    for name, below in command.commands.items():
        found |= commands_of(below, f"{words} {name}")
    return found


def route_path(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def routes_of(app: Litestar) -> Iterator[tuple[str, str]]:
    """(method, path) of what programs and pages call."""
    for route in app.routes:
        if isinstance(route, ASGIRoute) and route.path.startswith("/v1"):  # `hot_route` takes POST only
            yield "POST", route_path(route.path)
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler) and route.path.startswith(("/api", "/auth", "/v1")):
                yield from ((str(method), route_path(route.path)) for method in handler.http_methods)


def written_calls(text: str) -> set[tuple[str, str]]:
    """(method, path) of every `GET /path` in back quotes, also of `PUT`, `DELETE /path`."""
    found = set()
    for row in text.splitlines():
        waiting: list[str] = []
        for quoted in re.findall(r"`([^`]+)`", row):
            method, _, path = quoted.partition(" ")
            if not re.fullmatch("GET|POST|PUT|PATCH|DELETE", method):
                continue
            waiting.append(method)
            if path:
                found |= {(m, route_path(path)) for m in waiting}
                waiting = []
    return found


def same(written: Iterable[str], real: Iterable[str], where: str) -> None:
    there, named = set(real), set(written)
    missing, stale = sorted(there - named), sorted(named - there)
    assert not missing, f"not in {where}: {missing}"
    assert not stale, f"in {where}, but not in the product: {stale}"


def test_every_setting_is_written_and_no_other() -> None:
    text = page("settings.md")
    same([w for w in FIRST_CELL.findall(text) if not w.startswith(PREFIX)], keys_of(Settings), "settings.md")
    rows = {row.split("`")[1]: row for row in text.splitlines() if row.startswith("| `")}
    for key in keys_of(Settings):
        if "(file only)" not in rows[key]:
            assert f"`{PREFIX}{key.replace('.', '_').upper()}`" in rows[key], f"{key}: its variable is not in its line"
    for key, default in defaults_of(Settings):
        assert f"`{default}`" in rows[key], f"{key}: its default is {default}"
    for short, path in SHORT.items():
        assert f"`{PREFIX}{short}`" in rows[".".join(path)], f"{PREFIX}{short} is not in the line of {path}"
    for name in NOT_SETTINGS:
        assert f"`{PREFIX}{name}`" in text, f"{PREFIX}{name} is not in settings.md"


def test_every_field_of_the_catalogue_is_written_and_no_other() -> None:
    same(FIRST_CELL.findall(page("catalogue.md")), keys_of(Entry, sections=True), "catalogue.md")


def test_every_dependency_is_written_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    required = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = [match[0] for r in required if (match := re.match(r"[A-Za-z0-9._-]+", r))]
    same(FIRST_CELL.findall(page("dependencies.md")), names, "dependencies.md")


def test_every_command_is_written_and_no_other() -> None:
    real = commands_of(get_command(cli.build()))
    assert len(real) > 15
    rows = {
        re.split(r" (?=[A-Z\[-])", row.split("`")[1])[0]: row
        for row in page("cli.md").splitlines()
        if row.startswith("| `appliance ")
    }
    same(rows, real, "cli.md")
    for name, row in rows.items():
        unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", row)) - real[name]
        assert not unknown, f"cli.md: '{name}' has no option {sorted(unknown)}"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    nowhere = "http://127.0.0.1:1/v1"
    return build_app(build_parts(settings_for(tmp_path_factory.mktemp("app"), nowhere, nowhere)))


def test_every_call_is_written_and_no_other(app: Litestar) -> None:
    real = {call for call in routes_of(app) if call[0] not in {"OPTIONS", "HEAD"}}
    assert len(real) > 40
    written = {c for c in written_calls(page("http-api.md")) if c[1].startswith(("/api", "/auth", "/v1"))}
    same({" ".join(c) for c in written}, {" ".join(c) for c in real}, "http-api.md")


def test_every_metric_is_written_and_no_other(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:1/v1"
    meters = build_parts(settings_for(tmp_path, nowhere, nowhere)).meters
    text = page("metrics.md")
    names = {f"{f.name}_total" if f.type == "counter" else f.name for f in meters.families()}
    same(FIRST_CELL.findall(text), {n for n in names if n.startswith("appliance_")}, "metrics.md")
    for name in names:
        assert f"`{name}`" in text, f"{name} is not in metrics.md"


def test_every_room_is_on_the_map() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    floors = project["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = [room.strip() for floor in floors for room in floor.split("|")]
    assert len(rooms) > 15
    for room in rooms:
        if room.startswith("("):  # a place that is kept for a room
            assert not (ROOT / "appliance" / room.strip("()")).exists(), f"{room} is there: take the brackets away"
            continue
        assert re.search(rf"^\|[^|]*\|[^|]*`{room}`[^|]*\|", text, re.MULTILINE), f"{room} is not there"


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(CODE.sub("", path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{target} is not there"
        if anchor:
            assert anchor in anchors(found), f"{target}: there is no such heading"


def anchors(path: Path) -> set[str]:
    """Headings as addresses, made as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_decisions_that_are_referred_to_exist() -> None:
    there = {path.name[:4] for path in (DOCS / "decisions").glob("[0-9]*.md")}
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    for number in there:
        assert f"[{number}](" in index, f"decision {number} is not in the index"
    for source in SOURCES:
        text = source.read_text(encoding="utf-8", errors="replace")
        for number in re.findall(r"[Dd]ecisions?[ /]+(\d{4})\b", text):
            assert number in there, f"{source.relative_to(ROOT)} refers to decision {number}"

"""Parts of the chart that are made from other things: `script/chart.py` writes them, `--check` only compares.

- `helm/README.md`: the table of values, from the comments of values.yaml.
- `helm/values.schema.json`: what `settings` may hold, from `appliance.settings`; secrets are left out, since the
  chart writes settings into a ConfigMap.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from appliance.settings import SECRETS, Settings

CHART = Path(__file__).resolve().parent.parent / "helm"
BEGIN, END = "<!-- values: made by script/chart.py -->", "<!-- values end -->"
KEY = re.compile(r"^( *)([A-Za-z]\w*):")


def comments(text: str) -> dict[str, str]:
    """Dotted key → the comment right above it."""
    found: dict[str, str] = {}
    path: list[str] = []
    waiting: list[str] = []
    for line in text.splitlines():
        key = KEY.match(line)
        if line.lstrip().startswith("#"):
            waiting.append(line.strip(" #"))
            continue
        if key is not None:
            path = [*path[: len(key[1]) // 2], key[2]]
            if waiting:
                found[".".join(path)] = " ".join(waiting)
        waiting = []
    return found


def leaves(values: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and default of each value that holds no keys of its own."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def default_of(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values[part]
    return values


def readme(text: str, values: str) -> str:
    """Raises SystemExit when a value is told neither by itself nor by a key above it."""
    meanings, given = comments(values), yaml.safe_load(values)
    for key, _ in leaves(given):
        parts = key.split(".")
        if not any(".".join(parts[:n]) in meanings for n in range(1, len(parts) + 1)):
            raise SystemExit(f"values.yaml: '{key}' has no comment.")
    lines = ["| value | default | meaning |", "|---|---|---|"]
    for key, meaning in meanings.items():
        default = json.dumps(default_of(given, key), ensure_ascii=False)
        lines.append(f"| `{key}` | `{default}` | {meaning} |")
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{rest.partition(END)[2]}"


def schema(text: str) -> str:
    """The schema with the sections of the settings as they are now."""
    whole = json.loads(text)
    sections = msgspec.json.schema(Settings)["$defs"]
    for section, key in SECRETS:
        name = sections["Settings"]["properties"][section]["$ref"].rsplit("/", 1)[-1]
        del sections[name]["properties"][key]
    kept = {name: part for name, part in whole["$defs"].items() if not name[0].isupper()}
    whole["$defs"] = kept | {name: _bare(part) for name, part in sorted(sections.items())}
    return json.dumps(whole, indent=2) + "\n"


def _bare(value: Any) -> Any:
    """Without defaults and titles, which would say them a second time."""
    if isinstance(value, dict):
        return {k: _bare(v) for k, v in value.items() if k not in {"default", "title", "description"}}
    return [_bare(v) for v in value] if isinstance(value, list) else value


def main() -> None:
    values = (CHART / "values.yaml").read_text(encoding="utf-8")
    made = {CHART / "README.md": lambda text: readme(text, values), CHART / "values.schema.json": schema}
    for file, make in made.items():
        before = file.read_text(encoding="utf-8")
        after = make(before)
        if "--check" in sys.argv and before != after:
            raise SystemExit(f"{file.name} is stale: run 'python script/chart.py'.")
        file.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()

"""The tables of `docs/reference/roles.md`, made from `identity/roles` and from what the routes declare.

python -m tests.support.role_tables        # writes them
"""

import tempfile
from itertools import groupby
from pathlib import Path

from appliance.app import build_app, build_parts
from appliance.identity import ROLES
from appliance.identity.roles.wire import table_lines
from tests.support.gateway import settings_for
from tests.support.policies import Declared, Policy, declared

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "roles.md"
BEGIN, END = "<!-- roles: written by python -m tests.support.role_tables -->", "<!-- end of roles -->"


def tables() -> str:
    """The table of roles, and what each call asks for."""
    heads = " | ".join(role.replace("_", " ") for role in ROLES)
    lines = [BEGIN, "", f"| permission | {heads} | what it lets one do |", "|---" * (len(ROLES) + 2) + "|"]
    for line in table_lines():
        reaches = " | ".join("" if line.reach[role] == "no" else line.reach[role] for role in ROLES)
        lines.append(f"| {line.permission} | {reaches} | {line.what} |")
    lines += ["", "## What each call asks for", "", "| call | permission | with what |", "|---|---|---|"]
    return "\n".join([*lines, *_calls(), "", END])


def _calls() -> list[str]:
    nowhere = "http://127.0.0.1:1/v1"
    with tempfile.TemporaryDirectory(prefix="pma-") as folder:
        found = declared(build_app(build_parts(settings_for(Path(folder), nowhere, nowhere))))
    found = [d for d in found if d.method != "HEAD" and d.path.startswith(("/api", "/auth", "/v1", "/metrics"))]
    return [
        f"| {', '.join(d.method for d in same)} {path} | {_asks(policy)} | {_with(policy)} |"
        for (path, policy), same in groupby(sorted(found, key=_order), key=lambda d: (d.path, d.policy))
    ]


def _order(route: Declared) -> tuple[str, str, str]:
    return route.path, _asks(route.policy) + _with(route.policy), route.method


def _asks(policy: Policy) -> str:
    return "everybody, also without a login" if policy.public else ", ".join(sorted(policy.asks))


def _with(policy: Policy) -> str:
    if policy.public:
        return ""
    return "a session" if policy.session else "no narrowed key" if policy.whole else "any credential"


def written() -> str:
    """The part of the page that should be `tables()`. Raises ValueError when the marks are missing."""
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index(BEGIN) : text.index(END) + len(END)]


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(written(), tables()), encoding="utf-8")

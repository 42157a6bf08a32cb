"""The tables of request fields in `docs/reference/http-api.md`, made from `openai_api/fields`.

python -m tests.support.field_tables        # writes them
"""

from pathlib import Path

from appliance.openai_api.fields import ENDPOINTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "http-api.md"
BEGIN, END = "<!-- fields: written by python -m tests.support.field_tables -->", "<!-- end of fields -->"


def tables() -> str:
    """One table per endpoint."""
    parts = [BEGIN]
    for endpoint, fields in ENDPOINTS.items():
        parts += ["", f"#### Fields of {endpoint}", "", "| field | | |", "|---|---|---|"]
        parts += [f"| {f.name} | {f.standing} | {f.note} |" for f in fields]
    return "\n".join([*parts, "", END])


def written() -> str:
    """The part of the page that should be `tables()`. Raises ValueError when the marks are missing."""
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index(BEGIN) : text.index(END) + len(END)]


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(written(), tables()), encoding="utf-8")

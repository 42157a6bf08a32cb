"""Reads real office files through the product's own cage and counts the facts that are found.

    python -m tests.bench.office_facts --data ../shared/data/office

Prints one line per file (outcome, seconds) and facts found by kind; the share over the formats of the first release and
over all. A fact with a page counts only when its text stands on that page. Matching as the data's own notes say: NFKC,
lower case, without soft and line-end hyphens and white space; a row's parts in order within 240 characters.
"""

import argparse
import asyncio
import json
import re
import shutil
import sys
import tempfile
import time
import unicodedata
from collections import defaultdict
from pathlib import Path

from appliance.parsing import CageLimits, DocumentRefused, ParsedDocument, parse_file

FIRST_RELEASE = (".pdf", ".docx", ".pptx", ".xlsx", ".html", ".md", ".txt", ".eml", ".csv")


def squeeze(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).lower().replace("\u00ad", "")
    return re.sub(r"\s+", "", re.sub(r"-\s*\n\s*", "", text))


def holds(fact: dict[str, object], parsed: ParsedDocument | None) -> bool:
    if fact["kind"] == "reject":
        return True  # ended cleanly, which is all that is asked; a hang would have raised
    if parsed is None:
        return False
    page = fact.get("page")
    blocks = [b for b in parsed.blocks if page is None or (b.page or 1) == page]
    text = squeeze("\n".join(b.text for b in blocks))
    parts = [squeeze(str(p)) for p in fact["must_contain"]]  # type: ignore[attr-defined] # a list in the data
    if fact["kind"] == "row":
        pattern = r".{0,240}?".join(re.escape(p) for p in parts)
        return any(len(m[0]) <= 240 + sum(map(len, parts)) for m in re.finditer(pattern, text, re.DOTALL))
    return all(p in text for p in parts)


async def read(path: Path) -> tuple[ParsedDocument | None, str, float]:
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            stored = Path(folder) / "0a1b2c"  # as the file store has it: no ending
            shutil.copyfile(path, stored)
            parsed = await parse_file(stored, path.name, CageLimits())
    except DocumentRefused as refusal:
        return None, f"refused: {refusal.sentence()}", time.monotonic() - started
    outcome = f"partial: {' '.join(parsed.problems)}" if parsed.problems else "read"
    return parsed, outcome, time.monotonic() - started


async def main(data: Path, only: str | None) -> int:
    if not (data / "facts.jsonl").exists():
        sys.stdout.write(f"SKIPPED: {data} is not there\n")
        return 0
    facts = defaultdict(list)
    for line in (data / "facts.jsonl").read_text().splitlines():
        fact = json.loads(line)
        facts[fact["file"]].append(fact)
    found: dict[str, list[bool]] = defaultdict(list)
    for path in sorted((data / "files").iterdir()):
        if only and only not in path.name:
            continue
        parsed, outcome, seconds = await read(path)
        misses = []
        for fact in facts[path.name]:
            good = holds(fact, parsed)
            found[fact["kind"]].append(good)
            found["all"].append(good)
            if path.suffix.lower() in FIRST_RELEASE:
                found["formats of the first release"].append(good)
            if not good:
                misses.append(f"    missing: {fact['must_contain']} page {fact.get('page')}")
        sys.stdout.write(f"{path.name:42} {seconds:5.1f} s  {outcome}\n" + "".join(m + "\n" for m in misses))
    for kind, hits in found.items():
        sys.stdout.write(f"{kind:30} {sum(hits)}/{len(hits)} = {sum(hits) / len(hits):.3f}\n")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/office"))
    parser.add_argument("--only", help="files whose name has this in it")
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.data, options.only)))

"""Tables as text, whatever separates their cells."""

import csv
import io
from pathlib import Path

from appliance.parsing.build import BlockBuilder
from appliance.parsing.decoding import decode

SEPARATORS = ",;\t|"


def parse(path: Path, builder: BlockBuilder) -> int:
    text = decode(path.read_bytes())
    csv.field_size_limit(1_000_000)
    builder.table(csv.reader(io.StringIO(text, newline=""), delimiter=separator_of(text)))
    return 0


def separator_of(text: str) -> str:
    """The separator that occurs equally often in the first lines; counting outside of quotes."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]

    def score(separator: str) -> tuple[float, float]:
        counts = [len(next(csv.reader([line], delimiter=separator), [])) - 1 for line in lines]
        used = [c for c in counts if c > 0]
        if not used:
            return (0.0, 0.0)
        usual = max(set(used), key=used.count)
        return (used.count(usual) / len(lines), float(usual))

    return max(SEPARATORS, key=score)

"""Tell once more, at the end of a run, which tests failed and by what. Called by `test`."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

LINES = 40
"""Last lines of a failure's own text: what was expected and found stands at its end."""


def main(folder: Path) -> None:
    """`folder`: files as `pytest --junitxml` writes them; one that a cut-off run left unfinished is named."""
    for file in sorted(folder.glob("*.xml")):
        try:
            cases = ET.parse(file).iter("testcase")  # noqa: S314 - written by our own pytest a moment ago
        except ET.ParseError as error:
            print(f"\n-- a run of pytest left no whole report: {file.stem}: {error}")
            continue
        for case in cases:
            for fault in (*case.findall("failure"), *case.findall("error")):
                print(f"\n-- FAILED {case.get('classname')}::{case.get('name')} after {case.get('time')} s")
                print("\n".join((fault.text or fault.get("message") or "").splitlines()[-LINES:]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

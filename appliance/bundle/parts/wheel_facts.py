"""What a wheel says about itself."""

import hashlib
import re
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from appliance.bundle.errors import BundleUnmade

LICENCE_FILE = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|AUTHORS)", re.IGNORECASE)
MOST_LICENCE_CHARS = 100
"""Some packages put the whole text where its name belongs."""


@dataclass(frozen=True, slots=True)
class WheelFacts:
    file: Path
    name: str
    """As packages are compared: lower case, one hyphen."""
    version: str
    licence: str
    licence_files: dict[str, bytes]
    sha256: str


def read_wheel(file: Path) -> WheelFacts:
    """Raises BundleUnmade: it is no whole wheel."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            about = next(n for n in names if n.count("/") == 1 and n.endswith(".dist-info/METADATA"))
            metadata = message_from_bytes(archive.read(about))
            inside = about.removesuffix("METADATA")
            wanted = [n for n in names if n.startswith(inside) and LICENCE_FILE.match(n.rsplit("/", 1)[-1])]
            licences = {_flat(n.removeprefix(inside)): archive.read(n) for n in wanted}
    except (zipfile.BadZipFile, StopIteration, KeyError) as error:
        raise BundleUnmade(f"{file.name} is no whole wheel.", remedy=f"Delete {file} and run it again.") from error
    name = re.sub(r"[-_.]+", "-", metadata["Name"]).lower()
    return WheelFacts(file, name, metadata["Version"], _licence(metadata), licences, digest)


def _licence(metadata: Message) -> str:
    """The expression, else the old field when it is short, else the classifiers."""
    expression = str(metadata.get("License-Expression") or metadata.get("License") or "").strip()
    if expression and len(expression) <= MOST_LICENCE_CHARS and "\n" not in expression:
        return expression
    classifiers = [c for c in map(str, metadata.get_all("Classifier", [])) if c.startswith("License :: ")]
    return " and ".join(sorted({c.rsplit(" :: ", 1)[-1] for c in classifiers}))


def _flat(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+~-]", "_", name.removeprefix("licenses/"))[:120]

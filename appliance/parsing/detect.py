"""What a file is: told by its bytes, then by the ending of its name. Never by what the sender claims."""

import zipfile
from pathlib import Path

from appliance.parsing.errors import DocumentRefused

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HTML, MARKDOWN, TEXT, CSV, EML, XML = (
    "text/html",
    "text/markdown",
    "text/plain",
    "text/csv",
    "message/rfc822",
    "application/xml",
)
PNG, JPEG = "image/png", "image/jpeg"
ODT, ODS = "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet"
EPUB, RTF = "application/epub+zip", "application/rtf"
DOC, XLS, MSG = "application/msword", "application/vnd.ms-excel", "application/vnd.ms-outlook"

BY_ENDING = {
    ".html": HTML,
    ".htm": HTML,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".txt": TEXT,
    ".text": TEXT,
    ".log": TEXT,
    ".csv": CSV,
    ".tsv": CSV,
    ".eml": EML,
    ".xml": XML,
    ".json": TEXT,
    ".yaml": TEXT,
    ".yml": TEXT,
    ".rst": TEXT,
}
OLE = {".doc": DOC, ".xls": XLS, ".msg": MSG}
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ACCEPTED = "PDF, Word, PowerPoint, Excel, OpenDocument, EPUB, RTF, HTML, Markdown, text, CSV, e-mail, PNG, JPEG"


def media_type(path: Path, name: str) -> str:
    """The type to read it as.

    Raises:
        DocumentRefused: empty, locked, or of no accepted type.
    """
    with path.open("rb") as handle:
        head = handle.read(4096)
    if not head:
        raise DocumentRefused("The file is empty.", remedy="Upload it once more; the transfer may have broken off.")
    ending = Path(name).suffix.lower()
    for magic, kind in ((b"\x89PNG\r\n", PNG), (b"\xff\xd8\xff", JPEG), (b"{\\rtf", RTF)):
        if head.startswith(magic):
            return kind
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(b"PK\x03\x04"):
        return _zip_type(path)
    if head.startswith(OLE_MAGIC):
        return _ole_type(path, ending)
    if ending in BY_ENDING and not _binary(head):
        return BY_ENDING[ending]
    if not _binary(head) and ending not in (".bin", ".exe", ".zip"):
        return HTML if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")) else TEXT
    raise DocumentRefused(
        f"Files of this kind ('{ending or 'no ending'}') cannot be read.", remedy=f"Accepted: {ACCEPTED}."
    )


def _zip_type(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            kind = archive.read("mimetype").decode("ascii", "replace").strip() if "mimetype" in names else ""
    except (zipfile.BadZipFile, OSError, KeyError, RuntimeError) as error:
        raise DocumentRefused("The file is cut off or broken.") from error
    if kind in (ODT, ODS, EPUB):
        return kind
    for part, office in (("word/", DOCX), ("ppt/", PPTX), ("xl/", XLSX)):
        if any(n.startswith(part) for n in names):
            return office
    raise DocumentRefused("Archives are not unpacked.", remedy="Upload the files that are in it.")


def _ole_type(path: Path, ending: str) -> str:
    """Old Office files, and new ones that are locked with a password, share this container."""
    with path.open("rb") as handle:
        data = handle.read(4 * 1024 * 1024)
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise DocumentRefused("It is locked with a password.", remedy="Save a copy without password and upload that.")
    if ending in OLE:
        return OLE[ending]
    raise DocumentRefused("It is an old Office file of an unknown kind.", remedy="Save it as DOCX, XLSX or PPTX.")


def _binary(head: bytes) -> bool:
    """Many control bytes: no text in any encoding that is used (UTF-16 has zero bytes in a pattern of its own)."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    odd_zeros, even_zeros = head[1::2].count(0), head[0::2].count(0)
    if max(odd_zeros, even_zeros) > len(head) // 5 and min(odd_zeros, even_zeros) < len(head) // 50 + 1:
        return False
    control = sum(b < 9 or 13 < b < 27 or 27 < b < 32 for b in head)
    return control > len(head) // 50

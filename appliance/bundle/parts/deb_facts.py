"""What a Debian package says about itself."""

import hashlib
import re
import subprocess
import tarfile
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path

from appliance.bundle.errors import BundleUnmade
from appliance.bundle.running import output_of


@dataclass(frozen=True, slots=True)
class DebFacts:
    file: Path
    name: str
    version: str
    architecture: str
    control: str
    """Its fields, as apt's lists have them."""
    licence: str
    copyright: bytes
    sha256: str


def read_deb(file: Path, cache: Path) -> DebFacts:
    """Facts of a package; the cache keeps its copyright file, since to read it everything is unpacked.

    Raises BundleUnmade: it is no whole package.
    """
    if not file.is_file():
        raise BundleUnmade(f"apt did not leave {file.name} in its cache.")
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    control = output_of(["dpkg-deb", "--field", str(file)])
    fields = message_from_string(control)
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / digest
    if not kept.exists():
        waiting = kept.with_suffix(".new")
        waiting.write_bytes(_copyright(file, fields["Package"]))
        waiting.replace(kept)
    text = kept.read_bytes()
    return DebFacts(
        file, fields["Package"], fields["Version"], fields["Architecture"], control, _licence(text), text, digest
    )


def _copyright(file: Path, name: str) -> bytes:
    """`/usr/share/doc/<name>/copyright`; of a package that shares another's, where it lies."""
    wanted = f"./usr/share/doc/{name}/copyright"
    command = ["dpkg-deb", "--fsys-tarfile", str(file)]
    found = b""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603 - built here, no shell
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    if member.name == f"./usr/share/doc/{name}" and member.issym():
                        found = f"See the copyright of {Path(member.linkname).name}.\n".encode()
                    elif member.name == wanted and member.issym():
                        found = f"See {member.linkname}.\n".encode()
                    elif member.name == wanted and (content := archive.extractfile(member)):
                        found = content.read()
        except tarfile.TarError as error:
            raise BundleUnmade(f"{file.name} is no whole package.", remedy=f"Delete {file}; run it again.") from error
    return found or b"The package has no copyright file.\n"


def _licence(text: bytes) -> str:
    """Names of the machine-readable form, in order; empty when the file is prose."""
    lines = text.decode("utf-8", "replace").splitlines()
    if not any(line.startswith("Format:") for line in lines[:20]):
        return ""
    names = {line.split(":", 1)[1].strip() for line in lines if re.match(r"License:\s*\S", line)}
    return " and ".join(sorted(names))[:300]

"""What the checkpoints of one or more folders say, after they themselves were checked."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from appliance.audit.checkpoints import FILE, Checkpoint, read_lines
from appliance.audit.findings import Findings
from appliance.audit.signing import PUBLIC_FILE


@dataclass(slots=True)
class Witness:
    """Checkpoints that can be believed, in order of the events that they are about."""

    lines: list[Checkpoint] = field(default_factory=list)
    """From the last `accepted` on."""
    accepted: list[Checkpoint] = field(default_factory=list)
    cuts: list[Checkpoint] = field(default_factory=list)
    public_keys: list[str] = field(default_factory=list)

    @property
    def chain(self) -> str:
        """What the oldest line calls the chain."""
        return self.lines[0].chain if self.lines else ""

    def by_seq(self) -> Mapping[int, Checkpoint]:
        """Of those about one event, the first that was made: what came later may have been misled."""
        found: dict[int, Checkpoint] = {}
        for line in self.lines:
            found.setdefault(line.seq, line)
        return found

    def honest(self) -> list[Checkpoint]:
        """Those of before a gateway first noticed that the database is not what was signed."""
        bent = min((line.time for line in self.lines if line.kind == "differs"), default=None)
        return [line for line in self.lines if bent is None or line.time < bent]

    def newest(self) -> Checkpoint | None:
        """The one that saw most, of those."""
        return max(self.honest(), key=lambda line: line.seq, default=None)

    def cut_through(self) -> Checkpoint | None:
        """The last signed permission to remove the beginning."""
        return max(self.cuts, key=lambda line: line.seq, default=None)


def read_witness(folders: Sequence[Path], public_keys: Sequence[str], findings: Findings) -> Witness:
    """Read and check every folder.

    Args:
        folders: Of the gateways that share the database.
        public_keys: Those to believe, one a folder, hexadecimal; without any, each folder's own is believed.
        findings: What is wrong with the checkpoints themselves goes here.
    """
    witness = Witness()
    for at, folder in enumerate(folders):
        try:
            lines = read_lines(folder)
            key = public_keys[at] if at < len(public_keys) else (folder / PUBLIC_FILE).read_text("ascii").strip()
        except (OSError, UnicodeError):
            findings.add(
                "no_checkpoints", f"There are no checkpoints in {folder}: only the chain in itself was checked."
            )
            continue
        witness.public_keys.append(key)
        witness.lines += _believed(lines, key, folder / FILE, findings)
    witness.lines.sort(key=lambda line: line.time)
    witness.cuts = [line for line in witness.lines if line.kind == "cut"]
    witness.accepted = [line for line in witness.lines if line.kind == "accepted"]
    if witness.accepted:
        since = witness.accepted[-1].time
        witness.lines = [line for line in witness.lines if line.time >= since]
    if folders and not witness.lines:
        findings.add("no_checkpoints", "No checkpoint can be believed: only the chain in itself was checked.")
    return witness


def _believed(
    lines: Sequence[tuple[Checkpoint | None, bytes]], key: str, file: Path, findings: Findings
) -> list[Checkpoint]:
    """Those that the key vouches for: by a signature, or by the hash in a line behind that can be believed."""
    found: list[Checkpoint] = []
    vouched = ""
    for at in range(len(lines) - 1, -1, -1):
        line, text = lines[at]
        is_vouched = hashlib.sha256(text).hexdigest() == vouched
        if vouched and not is_vouched:
            findings.add("checkpoint_invalid", f"Line {at + 1} of {file} was changed, or a line after it is gone.")
        if line is None or not ((is_vouched and line.kind == "checkpoint") or line.is_signed_by(key)):
            findings.add("checkpoint_invalid", f"Line {at + 1} of {file} is not signed by the key {key[:16]}….")
            vouched = ""
            continue
        found.append(line)
        vouched = line.previous
    if vouched:
        findings.add("checkpoint_invalid", f"The first lines of {file} are gone.")
    return found[::-1]

"""What engines really took and gave, kept per machine and model, so that the next plan is nearer to the truth."""

import hashlib
import platform
from pathlib import Path

import msgspec
from msgspec import Struct

from appliance.planning.errors import PlanImpossible

MOST, LEAST = 10.0, 0.1
"""A factor beyond these is no correction, but a mistake of the measurement."""


class Correction(Struct, frozen=True, forbid_unknown_fields=True):
    """Measured over planned."""

    memory: float = 1.0
    decode: float = 1.0
    """Tokens a second."""
    prefill: float = 1.0
    """Tokens of a prompt a second."""


def ratio(measured: float, planned: float) -> float:
    """Raises PlanImpossible: it is beyond what can be true."""
    found = measured / planned if planned > 0 else 0.0
    if not LEAST <= found <= MOST:
        raise PlanImpossible(
            f"Measured {measured:.3g} instead of {planned:.3g}: that is no correction.",
            remedy="Measure again on an idle machine, with the model and GPUs that were planned.",
        )
    return found


def machine_name(gpus: str) -> str:
    """The same for the same hardware; names no person and no host."""
    facts = f"{platform.machine()} {_processor()} {gpus}"
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


class Corrections:
    """A file of them. Machine and model together are the key."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, machine: str, model_id: str) -> Correction | None:
        return self._read().get(f"{machine}/{model_id}")

    def keep(self, machine: str, model_id: str, correction: Correction) -> None:
        """Written whole and renamed: a plan never reads half of it."""
        whole = self._read() | {f"{machine}/{model_id}": correction}
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._file.with_suffix(".new")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(whole)))
        draft.replace(self._file)

    def _read(self) -> dict[str, Correction]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, Correction])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise PlanImpossible(f"{self._file} cannot be read.", remedy="Delete it and measure again.") from error

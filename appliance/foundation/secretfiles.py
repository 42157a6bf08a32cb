"""Secrets that lie in a file of their own: as a secret store, a container or systemd hands them over."""

import os
import stat
from pathlib import Path

from appliance.foundation.errors import InvalidInput

LARGEST_BYTES = 64 * 1024
TOO_OPEN = stat.S_IRWXO | stat.S_IWGRP
"""Others may do nothing with it, and its group may read: a store that mounts files for a group gives them so."""


class SecretUnusable(InvalidInput):
    """A file that should hold a secret does not, or others can read it."""

    code = "secret_unusable"
    remedy = "Write the secret and nothing else into it, as the user that the appliance runs as."


def read_secret(name: str, file: str) -> str:
    """What a file holds, without the line's end. `name`: of the setting that names the file.

    Raises:
        SecretUnusable: it cannot be read, is empty or no text, or other users of the machine can read or change it.
    """
    try:
        with Path(file).open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            data = opened.read(LARGEST_BYTES + 1)
        secret = data.decode("utf-8").strip()
    except (OSError, ValueError) as error:
        raise SecretUnusable(f"{name}: {file} cannot be read: {type(error).__name__}.") from error
    if stat.S_ISREG(mode) and mode & TOO_OPEN:
        raise SecretUnusable(
            f"{name}: other users of this machine can read or change {file} (mode {stat.S_IMODE(mode):o}).",
            remedy=f"Run: chmod 600 {file}",
        )
    if not secret or len(data) > LARGEST_BYTES:
        raise SecretUnusable(f"{name}: {file} is {'too large' if secret else 'empty'}.")
    return secret

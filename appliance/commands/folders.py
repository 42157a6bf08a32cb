"""The folders of the data, which nobody else on the machine may look into."""

import stat

import structlog

from appliance.foundation import Conflict
from appliance.settings import Settings

log = structlog.get_logger(__name__)


class DataFolderUnusable(Conflict):
    """The folder cannot be made or written to, or it is everybody's."""

    code = "data_folder_unusable"
    remedy = "Give this user the folder, or choose another with APPLIANCE_DATA_DIR."


def prepare_folders(settings: Settings) -> None:
    """Make the data folders; others may not look inside, also not into those that were there.

    Raises:
        DataFolderUnusable: one cannot be made, or is one that all users share, such as /tmp.
    """
    for folder in (settings.data, settings.run_dir, settings.log_dir):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            mode = stat.S_IMODE(folder.stat().st_mode)
        except OSError as error:
            raise DataFolderUnusable(f"{folder} cannot be made: {error.strerror}.") from error
        if not mode & stat.S_IRWXO:
            continue
        if mode & stat.S_ISVTX:
            raise DataFolderUnusable(f"{folder} belongs to all users of this machine.")
        try:
            folder.chmod(mode & ~stat.S_IRWXO)
        except PermissionError:  # a container's volume, which is its runtime's; nobody else is in there
            log.warning("others can look into a data folder", folder=str(folder), remedy=f"chmod o-rwx {folder}")
        else:
            log.warning("others could look into a data folder and now cannot", folder=str(folder), mode=f"{mode:o}")

"""What can be wrong with a backup."""

from appliance.foundation import CapacityError, Conflict


class BackupRefused(Conflict):
    """The backup is not whole, or the place to restore into is not empty."""

    code = "backup_refused"
    remedy = "Take another backup ('appliance backup list'), or an empty place."


class BackupFailed(CapacityError):
    """It could not be made. The backups of before are as they were."""

    code = "backup_failed"
    remedy = "Check the disk and the database, then run it again."

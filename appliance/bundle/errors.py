"""What can be wrong with a bundle, and with the making of one."""

from appliance.foundation import CallerError, CapacityError


class BundleRefused(CallerError):
    """Something in a bundle is not what was signed, or not for here. `file` is its path inside the bundle."""

    code, status = "bundle_refused", 400
    remedy = "Copy the bundle again from where it was made, and compare the key with the one that you were given."

    def __init__(self, file: str, why: str, *, remedy: str | None = None) -> None:
        super().__init__(f"{file}: {why}.", remedy=remedy)
        self.file = file
        self.why = why


class BundleUnmade(CapacityError):
    """A part could not be fetched or made. What was fetched is kept, and the next run goes on from there."""

    code, status = "bundle_unmade", 503
    remedy = "Run the same command again: what was fetched already is kept."

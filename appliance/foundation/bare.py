"""Loads structlog without rich; to be imported before anything that loads structlog.

structlog takes rich, and with it pygments, when they are installed, for tracebacks in colours. No log of ours has any,
and they are 5 MB of an idle gateway. Commands that print tables load rich by themselves.
"""

import sys

if "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment] # an import of it fails now, which structlog is ready for
    try:
        import structlog  # noqa: F401 - loaded, for all who import it later
    finally:
        del sys.modules["rich"]

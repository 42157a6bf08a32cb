"""Whether a host is fit for an installation. Runs before anything is installed, so: the standard library only.

`appliance doctor --pack FILE` makes one file of this folder that any Python 3.9 or later runs on the host itself.
Each check looks at one thing and says what it found, whether that is good enough, and what to do otherwise. A check
that cannot look (a tool or a right is missing) says that, as a warning; it never guesses.
"""

from appliance.planning.checks.finding import FAILED, OK, SKIPPED, WARNING, Finding
from appliance.planning.checks.host import Host, Limits
from appliance.planning.checks.run import CHECKS, main, run_checks

__all__ = ["CHECKS", "FAILED", "OK", "SKIPPED", "WARNING", "Finding", "Host", "Limits", "main", "run_checks"]

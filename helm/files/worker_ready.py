"""Whether the worker runs: it holds its lock from its start to its end, and the kernel lets go of it with the
process.
"""

import fcntl
import sys

try:
    with open("/var/lib/appliance/run/worker.lock") as held:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(0)
sys.exit("the worker does not hold its lock")

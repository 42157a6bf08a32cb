"""`appliance` with a window: at SIGUSR1 it collects garbage and writes down what is alive.

WATCHED_FILE=… python -m tests.support.watched up
"""

import asyncio
import ctypes
import gc
import json
import os
import signal
from collections import Counter
from pathlib import Path

from appliance.cli import main


def look(*_: object) -> None:
    """Memory that Python gave back is given back to the kernel too, so that the next look at it is fair."""
    for _generation in range(3):
        gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    objects = gc.get_objects()
    tasks = [o for o in objects if isinstance(o, asyncio.Task) and not o.done()]
    found = {
        "tasks": sorted(str(getattr(task.get_coro(), "__qualname__", "?")) for task in tasks),
        "objects": len(objects),
        "kinds": Counter(type(o).__name__ for o in objects).most_common(25),
    }
    target = Path(os.environ["WATCHED_FILE"])
    draft = target.with_suffix(".new")
    draft.write_text(json.dumps(found))
    draft.replace(target)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, look)
    main()

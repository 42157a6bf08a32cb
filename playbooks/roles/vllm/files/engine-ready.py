#!/usr/bin/python3
"""Wait until an engine does real work: its model is listed, and one short request is answered.

    engine-ready BASE_URL MODEL SECONDS

Exit code 0 ready, 1 not in time. A port that is open says nothing: the weights are loaded behind it.
"""

import json
import sys
import time
import urllib.error
import urllib.request


def ask(url: str, body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310 - our own engine
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def works(base: str, model: str) -> bool:
    """One token, or one vector: an engine is made for one of them and refuses the other."""
    listed = {entry["id"] for entry in ask(f"{base}/v1/models")["data"]}
    if model not in listed:
        return False
    try:
        ask(f"{base}/v1/completions", {"model": model, "prompt": "1", "max_tokens": 1})
    except urllib.error.HTTPError as refused:
        if refused.code not in (400, 404, 405, 501):
            return False
        ask(f"{base}/v1/embeddings", {"model": model, "input": "1"})
    return True


def main() -> int:
    base, model, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            if works(base, model):
                return 0
        except (OSError, ValueError, KeyError):
            pass  # not there yet
        time.sleep(1)
    return 1


if __name__ == "__main__":
    sys.exit(main())

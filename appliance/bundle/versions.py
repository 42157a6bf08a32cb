"""Which of two versions is older."""

import re

from appliance.bundle.errors import BundleRefused

FORM = re.compile(r"(\d+(?:\.\d+)*)(?:(a|b|rc|\.dev)(\d+))?")
RANKS = {".dev": 0, "a": 1, "b": 2, "rc": 3, None: 4}


def is_older(one: str, other: str) -> bool:
    """Whether `one` came before `other`. Raises BundleRefused when one of them is no version."""
    return _key(one) < _key(other)


def _key(version: str) -> tuple[tuple[int, ...], int, int]:
    match = FORM.fullmatch(version)
    if match is None:
        raise BundleRefused("manifest.json", f"'{version}' is no version")
    numbers = [int(number) for number in match[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), RANKS[match[2]], int(match[3] or 0)

"""What a check says."""

from dataclasses import dataclass

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"


@dataclass(frozen=True)
class Finding:
    check: str
    """Its id, as `--skip` takes it."""
    state: str
    detail: str
    remedy: str = ""
    """In plain words, what to do; empty when nothing is to be done."""


def good(check: str, detail: str) -> Finding:
    return Finding(check, OK, detail)


def warn(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check, WARNING, detail, remedy)


def fail(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check, FAILED, detail, remedy)


def judge(check: str, fine: bool, detail: str, remedy: str, otherwise: str = FAILED) -> Finding:
    return good(check, detail) if fine else Finding(check, otherwise, detail, remedy)

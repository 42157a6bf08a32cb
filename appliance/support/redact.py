"""What leaves a host in a support bundle: states, numbers and fixed words. Never a secret, a person, a text.

Three nets, each for what the one before lets through: the very secrets of this host, by their bytes; what looks like a
secret or an e-mail address; and whatever may be somebody's words: what stands in quotes, after the name of a field
that holds texts, behind a question mark, or in a line without a form that is known.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from appliance.foundation.logs import redact

SHORTEST = 8
"""A secret with fewer characters would be found in everything."""
MAIL = re.compile(r"[^\s<>'\"=:,;()\[\]]+@[^\s<>'\"=:,;()\[\]]+")
LONG = re.compile(r"(?=[\w+/-]*\d)(?:[A-Za-z0-9+]{32,}|(?=[\w+/-]*[A-Z])[\w+/-]{32,})={0,2}")
"""A key, a hash, a token of a kind that nobody knows yet; not the name of a number, which has no capital letter."""
QUERY = re.compile(r"\?[^\s'\"]+")
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[\u201c\u201e].*?[\u201d\u201c]|\u00ab.*?\u00bb")
CONSTANT = re.compile(r"['\"][A-Z][A-Z_]{3,}['\"]")
"""The kind of an event, as Keycloak writes it."""
FIELD = re.compile(
    r"(?i)\b(prompts?|messages?|contents?|texts?|inputs?|outputs?|quer(?:y|ies)|questions?|answers?|documents?|titles?|"
    r"names?|body|statement|detail|context|parameters|contains|value|file)\b(\s*[:=]|\s*\().*"
)
"""From such a word and a colon on, a line of somebody else's program may hold what people wrote."""
OURS = re.compile(r"(\w+)=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S+)")
FIXED = frozenset(
    "timestamp level event method endpoint status ms outcome request_id logger seconds engine model code attempt count "
    "state unit rows task delay_s after_s waited_s port pid replica".split()
)
"""Of our own lines: values from our code, numbers and ids. All others are left out."""
FORMS = (
    re.compile(r"(?:\([^)]*\) )?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d [\d:]+ \[[^\]]+\] "),  # vLLM
    re.compile(r"(?:\([^)]*\) )?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):\s"),  # uvicorn
    re.compile(r"\d{4}-\d\d-\d\d [\d:,.]+ (?:TRACE|DEBUG|INFO|WARN|ERROR)\s+\[[^\]]+\] \([^)]*\) "),  # Keycloak
    re.compile(r"\d{4}-\d\d-\d\d [\d:.]+ \S+ \[\d+\] (?:\S+ )?(?:LOG|WARNING|ERROR|FATAL|PANIC|HINT):\s"),  # PostgreSQL
    re.compile(r"\d{4}/\d\d/\d\d [\d:]+ \[\w+\] \d+#\d+: "),  # nginx
    re.compile(r"\d+:[A-Z] \d\d \w{3} \d{4} [\d:.]+ [.\-*#] "),  # Redis and Valkey
    re.compile(r"(?:ts|time)=\S+ (?:caller=\S+ )?level=\w+ "),  # Prometheus and its exporters
)
SECRET_KEY = re.compile(r"(?i)password|secret|token|api_?key|credential")


class Redactor:
    """`secrets`: the very values that this host holds."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {s.strip() for s in secrets if len(s.strip()) >= SHORTEST}
        self._known = re.compile("|".join(map(re.escape, sorted(known, key=len, reverse=True)))) if known else None

    def value(self, text: str) -> str:
        """A fact, as a version or a path: without secrets and addresses of people."""
        told = self._known.sub("<secret>", text) if self._known else text
        return LONG.sub("<long word>", MAIL.sub("<mail>", redact(told)))

    def line(self, text: str, *, ours: bool) -> str:
        """A line of a log; empty when nothing of it may leave. `ours`: written by this product's own code."""
        if ours:
            pairs = [(k, v) for k, v in OURS.findall(text) if k in FIXED and not (k == "event" and "logger=" in text)]
            return self.value(" ".join(f"{k}={v}" for k, v in pairs))
        form = next((found for pattern in FORMS if (found := pattern.match(text))), None)
        if form is None:
            return ""
        told = QUERY.sub("?<query>", QUOTED.sub(_quoted, text[form.end() :]))
        return self.value(form[0] + FIELD.sub(r"\1\2<left out>", told))

    def table(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Settings: keys, numbers, switches and words without a space."""
        return {key: self._setting(key, value) for key, value in given.items()}

    def _setting(self, key: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self.table(value)
        if isinstance(value, list | tuple):
            return [self._setting(key, inner) for inner in value]
        if not isinstance(value, str):
            return value
        if SECRET_KEY.search(key) and not key.endswith("_file"):
            return "<secret>"
        return "<text>" if re.search(r"\s", value) else self.value(value)


def _quoted(found: re.Match[str]) -> str:
    return found[0] if CONSTANT.fullmatch(found[0]) else "<text>"

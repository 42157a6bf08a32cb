"""Words as the sparse side counts them.

Text is brought to one form (NFKC, lower case). Words of Latin and other alphabets are stemmed (Snowball, English; stop
words stay, the index's IDF makes them light). Scripts without spaces (Han, kana, hangul) become character uni- and
bigrams, which match dictionaries without shipping one. Identifiers count whole and in parts: `RX-4500/b` is also `rx`,
`4500` and `b`.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import Stemmer

CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0002fa1f"
CJK_RUN = re.compile(f"[{CJK}]+")
TOKEN = re.compile(rf"[{CJK}]+|[^\W{CJK}]+(?:[-_./@:#+'’&][^\W{CJK}]+)*")
PARTS = re.compile(r"[-_./@:#+'’&]")
LETTERS_DIGITS = re.compile(r"[^\W\d_]+|\d+")
KNOWN_TOKENS, KNOWN_LENGTH = 50_000, 40
"""Tokens whose terms a tokenizer remembers, and how long one may be: texts repeat their words."""


class Tokenizer:
    """Turns text into terms. Holds the stemmer, which is not thread-safe: one instance per thread."""

    def __init__(self) -> None:
        self._stemmer = Stemmer.Stemmer("english")
        self._stemmer.maxCacheSize = 0  # whole tokens are remembered here
        self._known = lru_cache(maxsize=KNOWN_TOKENS)(self._of_token)

    def terms(self, text: str) -> list[str]:
        """Terms in order, repeats included."""
        found: list[str] = []
        for token in TOKEN.findall(normalise(text)):
            found.extend(self._known(token) if len(token) <= KNOWN_LENGTH else self._of_token(token))
        return found

    def _of_token(self, token: str) -> tuple[str, ...]:
        return tuple(_grams(token) if CJK_RUN.fullmatch(token) else self._words(token))

    def _words(self, token: str) -> Iterator[str]:
        parts = [p for p in PARTS.split(token) if p]
        if len(parts) > 1:
            if parts[1:] in (["s"], ["t"], ["re"], ["ve"], ["ll"], ["d"], ["m"]):  # English clitics, not identifiers
                parts = parts[:1]
            else:
                yield token
        for part in parts:
            yield self._stemmer.stemWord(part)
            pieces = LETTERS_DIGITS.findall(part)
            if len(pieces) > 1:
                yield from (self._stemmer.stemWord(piece) for piece in pieces)


def normalise(text: str) -> str:
    """NFKC and lower case: full-width and half-width forms, ligatures and cases become one."""
    return unicodedata.normalize("NFKC", text).lower()


@lru_cache(maxsize=200_000)
def term_id(term: str) -> int:
    """A 32-bit name of a term, the same in every process (Python's own hash is not)."""
    return int.from_bytes(hashlib.blake2b(term.encode("utf-8"), digest_size=4).digest(), "little")


def _grams(run: str) -> Iterator[str]:
    yield from run
    yield from (run[i : i + 2] for i in range(len(run) - 1))

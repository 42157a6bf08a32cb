"""Is what the model wrote supported by what it was shown?"""

import re

from appliance.answers.sentences import split_sentences
from appliance.index import Tokenizer

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
LIGHT = frozenset(
    "a an the of to in on at for by with from and or but is are was were be been has have had do doe did it this that "
    "these those as not no yes will would can could may must shall should there their they you your we our i he she "
    "his her which who what when where how than then so if into per about up its also".split()
)


class SupportCheck:
    """Compares written text with shown text by content words and numbers."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer()

    def share(self, written: str, shown: str) -> float:
        """Share of the written content words that were shown, 0 to 1; 0 when a number was not shown."""
        known = set(self._tokenizer.terms(shown))
        words = [t for t in self._tokenizer.terms(written) if t not in LIGHT and len(t) > 1]
        numbers = set(NUMBER.findall(shown))
        if any(number.rstrip(".,:") not in numbers for number in NUMBER.findall(written)):
            return 0.0
        if not words:
            return 0.0
        return sum(t in known for t in words) / len(words)

    def best_quote(self, written: str, shown: str) -> str:
        """The sentence or row of what was shown that supports the written best, verbatim."""
        candidates = [s.text for s in split_sentences(shown)] or [shown]
        return max(candidates, key=lambda quote: self.share(written, quote))

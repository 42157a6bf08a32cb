"""Citations: only for what supports the text, each with the words it rests on."""

import re
from collections.abc import Sequence

from appliance.answers.events import Citation
from appliance.answers.sentences import split_sentences
from appliance.answers.support import SupportCheck
from appliance.library import Passage

MARK = re.compile(r"\s*\[(\d{1,2})\]")
LEAST_SHARE = 0.5


def cite(number: int, passage: Passage, quote: str) -> Citation:
    """A citation of verbatim words of a passage."""
    return Citation(
        number=number,
        passage_id=passage.id,
        document_id=passage.document_id,
        version_id=passage.version_id,
        version_number=passage.version_number,
        document_name=passage.document_name,
        collection_id=passage.collection_id,
        collection_name=passage.collection_name,
        page=passage.page,
        heading_path=passage.heading_path,
        quote=quote,
    )


def from_marks(text: str, sources: Sequence[Passage]) -> tuple[str, tuple[Citation, ...]]:
    """Turn a model's own marks into citations.

    Args:
        text: The model's answer with marks `[n]`, n counting `sources` from 1.
        sources: The passages of its prompt.

    Returns:
        The text with marks renumbered in order of appearance, and the citations. A mark whose source does not hold
        the sentence before it is taken out.
    """
    check = SupportCheck()
    kept: dict[int, Citation] = {}
    written, position = "", 0
    for match in MARK.finditer(text):
        written += text[position : match.start()]
        position = match.end()
        number = int(match[1])
        sentence = _last_sentence(written)
        if not 1 <= number <= len(sources) or not sentence:
            continue
        passage = sources[number - 1]
        if check.share(sentence, passage.text) < LEAST_SHARE:
            continue
        if number not in kept:
            kept[number] = cite(len(kept) + 1, passage, check.best_quote(sentence, passage.text))
        written += f" [{kept[number].number}]"
    return written + text[position:], tuple(kept.values())


def _last_sentence(text: str) -> str:
    sentences = split_sentences(MARK.sub("", text))
    return sentences[-1].text if sentences else ""

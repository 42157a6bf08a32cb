"""Measures of a ranking, as trec_eval computes them."""

import math
from collections.abc import Mapping, Sequence


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain, linear: sum of grade / log2(rank + 1), over that of the best order
    (Järvelin and Kekäläinen 2002, in trec_eval's `ndcg_cut`)."""
    gained = sum(grades.get(doc, 0) / math.log2(rank + 1) for rank, doc in enumerate(ranking[:depth], start=1))
    best = sorted((g for g in grades.values() if g > 0), reverse=True)[:depth]
    ideal = sum(grade / math.log2(rank + 1) for rank, grade in enumerate(best, start=1))
    return gained / ideal if ideal else 0.0


def recall(ranking: Sequence[str], grades: Mapping[str, int], depth: int) -> float:
    """Share of the relevant documents among the first `depth`."""
    relevant = {doc for doc, grade in grades.items() if grade > 0}
    return len(relevant & set(ranking[:depth])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Mapping[str, int], depth: int = 10) -> float:
    """1 / rank of the first relevant document among the first `depth`, else 0."""
    for rank, doc in enumerate(ranking[:depth], start=1):
        if grades.get(doc, 0) > 0:
            return 1.0 / rank
    return 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest-rank percentile; `share` 0 to 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]

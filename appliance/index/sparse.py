"""Sparse vectors whose product is BM25 (Robertson and Zaragoza, 2009, eq. 3.15), IDF left to the index.

    score(q, d) = Σ_t  idf(t) · tf(t,d) · (k1 + 1) / (tf(t,d) + k1 · (1 - b + b · |d| / avgdl))

The document side carries everything but the IDF; the query side carries how often a term is asked for. `avgdl` is a
constant, since the index cannot change old vectors when the average moves: passages are cut to about 1,000 characters,
some 200 words with their parts.
"""

from collections import Counter

from appliance.index.port import SparseVector
from appliance.index.stopwords import without_stop_words
from appliance.index.tokens import Tokenizer, term_id

K1 = 1.2
B = 0.75
AVERAGE_TERMS = 200.0


def document_vector(tokenizer: Tokenizer, text: str) -> SparseVector:
    """Saturated term weights of a passage."""
    terms = tokenizer.terms(text)
    norm = K1 * (1 - B + B * len(terms) / AVERAGE_TERMS)
    counts = Counter(map(term_id, terms))  # two terms of one hash: rare, and harmless when counted together
    return SparseVector(tuple(counts), tuple([tf * (K1 + 1) / (tf + norm) for tf in counts.values()]))


def query_vector(tokenizer: Tokenizer, text: str) -> SparseVector:
    """Term counts of a question, without the words that it is not about."""
    counts = Counter(map(term_id, without_stop_words(tokenizer.terms(text), text)))
    return SparseVector(tuple(counts), tuple(map(float, counts.values())))

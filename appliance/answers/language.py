"""Which language a text is in, told by its script and its commonest words. Enough to choose phrases and models."""

import re

KANA = re.compile(r"[\u3040-\u30ff]")
HANGUL = re.compile(r"[\uac00-\ud7af]")
HAN = re.compile(r"[\u4e00-\u9fff]")
WORD = re.compile(r"[^\W\d_]+")

COMMON = {
    "de": frozenset("der die das und ist nicht ein eine für wie was wer wo auf mit dem den zu wird werden".split()),
    "fr": frozenset("le la les des est et une pour dans que qui quel quelle comment sur avec combien du".split()),
    "es": frozenset("el los las es una para que qué cómo cuál cuánto por con del en se quién dónde".split()),
}


def language_of(text: str) -> str:
    """ISO 639-1 code: ja, ko, zh, de, fr, es, or en for everything else."""
    if KANA.search(text):
        return "ja"
    if HANGUL.search(text):
        return "ko"
    if HAN.search(text):
        return "zh"
    words = [w.lower() for w in WORD.findall(text)]
    hits = {code: sum(w in common for w in words) for code, common in COMMON.items()}
    best = max(hits, key=lambda code: hits[code])
    return best if words and hits[best] >= 2 and hits[best] / len(words) > 0.25 else "en"

"""The fixed sentences of answers, by language. English stands in for a language that is not here."""

PHRASES = {
    "en": {
        "not_found": "Your documents do not say. I searched {collections}.",
        "nothing_readable": "There are no documents that you may read yet.",
        "says": "“{document}” says:",
        "searching": "Searching {count} collections",
        "reading": "Reading {count} passages",
        "writing": "Writing the answer",
    },
    "ja": {
        "not_found": "文書には書かれていません。検索した範囲: {collections}",
        "nothing_readable": "閲覧できる文書がまだありません。",
        "says": "「{document}」には次のように書かれています:",
        "searching": "{count}件のコレクションを検索しています",
        "reading": "{count}件の該当箇所を読んでいます",
        "writing": "回答を書いています",
    },
    "zh": {
        "not_found": "文档中没有说明。已检索:{collections}",
        "nothing_readable": "目前没有您可以阅读的文档。",
        "says": "《{document}》中写道:",
        "searching": "正在检索 {count} 个资料集",
        "reading": "正在阅读 {count} 个段落",
        "writing": "正在撰写回答",
    },
    "de": {
        "not_found": "Ihre Dokumente sagen dazu nichts. Durchsucht: {collections}.",
        "nothing_readable": "Es gibt noch keine Dokumente, die Sie lesen dürfen.",
        "says": "„{document}“ sagt:",
        "searching": "Durchsuche {count} Sammlungen",
        "reading": "Lese {count} Stellen",
        "writing": "Schreibe die Antwort",
    },
}


def phrase(language: str, name: str, **values: object) -> str:
    """A sentence of the table with its values filled in."""
    return PHRASES.get(language, PHRASES["en"])[name].format(**values)

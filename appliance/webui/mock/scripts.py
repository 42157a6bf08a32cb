"""What the stand-in answers: timed answer events, and the text of its one page."""

PAGES = {
    3: [
        "2.1 Annual leave",
        "Every employee has 25 days of paid leave in each calendar year, in the first year one twelfth for each full month.",
        "Leave is asked for in the portal at least two weeks before it begins.",
        "Up to five days may be carried over until the end of March.",
    ],
    4: [
        "保証の範囲",
        "ポンプ P-200 の保証期間は納入日から 24 か月です。",
        "消耗品(シールおよびフィルター)は保証の対象外です。",
        "保証修理は認定された技術者が行います。",
    ],
}

LONG = """You have **25 days** of paid leave in a calendar year [1]. In your first year it is one twelfth of that for each full month [1].

### What to do

1. Ask in the portal two weeks ahead.
2. Up to five days carry over until the end of March [1].

The pump's warranty runs for 24 months [2].

| month of entry | days |
|---|---:|
| January | 25 |
| July | 12.5 |

```python
def days_of_leave(months: int) -> float:
    # one twelfth for each full month
    return 25 / 12 * months
```

More: [the portal](https://portal.example.test/leave) <script>alert(1)</script> ![a picture](https://elsewhere.example/x.png)
"""


def page_lines(page):
    return PAGES.get(page, [f"Page {page}", "Nothing of interest stands on this page.", "It only fills the book."])


def answer_script(question, citations, names):
    """A list of (pause in seconds, event, data)."""
    start = [
        (0.5, "stage", {"stage": "searching", "detail": f"{len(names)} collections"}),
        (0.7, "passages", {"count": 8, "searched": names}),
        (0.0, "stage", {"stage": "reading", "detail": "8 passages"}),
    ]
    if "fail" in question:
        return [
            *start,
            (0.4, "token", {"text": "The answer"}),
            (
                0.6,
                "failed",
                {
                    "code": "engine_unavailable",
                    "message": "The engine stopped and is being started again.",
                    "retry_after_s": 40,
                },
            ),
        ]
    grounding, text, cited = "grounded", LONG, citations
    if "moon" in question:
        grounding, text, cited = "not_in_documents", "Your documents do not say who walked on the moon.", []
    if "guess" in question:
        grounding, text, cited = "unsupported", "It is probably seventeen.", []
    words = text.split(" ")
    tokens = [(0.03, "token", {"text": word + (" " if i < len(words) - 1 else "")}) for i, word in enumerate(words)]
    done = {
        "text": text,
        "citations": cited,
        "grounding": grounding,
        "finish_reason": "stop",
        "usage": {"prompt_tokens": 900, "completion_tokens": len(words)},
        "searched": names,
    }
    return [*start, (0.6, "token", {"text": ""}), *tokens, (0.1, "finished", done)]

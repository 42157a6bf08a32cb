"""Answer one turn.

1. `retrieval` finds passages that the caller may see.
2. `evidence.py` finds the sentences that answer; when none does, "your documents do not say" is the answer.
3. A small model writes one sentence, shown only when the quoted words support it; a larger one writes from numbered
   sources within its window, and each of its marks is checked.
4. Citations name document, version, page and the quoted words, and only what supports the text is cited.

Closing the returned iterator cancels the engine's request. Rule: every call of an engine has a bound.
"""

from appliance.answers.assistants import Assistants, AssistantUnknown
from appliance.answers.events import (
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    Citation,
    PassagesFound,
    StageChanged,
    TokenDelta,
)
from appliance.answers.grounding import Support, sources_text, supports
from appliance.answers.meter import TurnMeter, metered_events, metered_turn
from appliance.answers.service import Answers
from appliance.answers.settings import AnswerSettings
from appliance.answers.turn import Assistant, HistoryTurn, Turn, TurnCost

__all__ = [
    "AnswerEvent",
    "AnswerFailed",
    "AnswerFinished",
    "AnswerSettings",
    "Answers",
    "Assistant",
    "AssistantUnknown",
    "Assistants",
    "Citation",
    "HistoryTurn",
    "PassagesFound",
    "StageChanged",
    "Support",
    "TokenDelta",
    "Turn",
    "TurnCost",
    "TurnMeter",
    "metered_events",
    "metered_turn",
    "sources_text",
    "supports",
]

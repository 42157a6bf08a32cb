"""The assistants that callers may choose. For now the two that every installation has."""

from collections.abc import Sequence

from appliance.answers.turn import Assistant
from appliance.foundation import NotFound

DOCUMENTS_ID = "documents"
CHAT_ID = "assistant"


class AssistantUnknown(NotFound):
    code = "assistant_not_found"
    remedy = "GET /api/assistants lists them."


class Assistants:
    """Assistants by id; the first is the default."""

    def __init__(self, assistants: Sequence[Assistant]) -> None:
        self._by_id = {a.id: a for a in assistants}
        self._default = assistants[0]

    @classmethod
    def built_in(cls, model_id: str) -> "Assistants":
        """One that answers from the documents, one that just chats."""
        documents = Assistant(
            id=DOCUMENTS_ID,
            name="Company documents",
            description="Answers from the documents that you may read, and shows where each answer stands.",
            model_id=model_id,
            kind="documents",
            starters=(
                "How much does the company pay per night for a hotel?",
                "How many days of annual leave do I get?",
                "Who do I call when my laptop is lost?",
                "在宅勤務は週に何日までできますか。",
            ),
        )
        chat = Assistant(
            id=CHAT_ID,
            name="Chat",
            description="Talks to the model alone; nothing is looked up.",
            model_id=model_id,
            kind="chat",
            starters=("Write a friendly reminder about an unpaid invoice.", "Explain what an API key is."),
        )
        return cls((documents, chat))

    def all(self) -> tuple[Assistant, ...]:
        return tuple(self._by_id.values())

    def find(self, assistant_id: str) -> Assistant | None:
        return self._by_id.get(assistant_id)

    def get(self, assistant_id: str | None) -> Assistant:
        """The default without an id. Raises AssistantUnknown."""
        if assistant_id is None:
            return self._default
        found = self.find(assistant_id)
        if found is None:
            raise AssistantUnknown(f"There is no assistant '{assistant_id}'.")
        return found

"""How long engines take, as far as has been seen: what a budget of engine time is reserved by."""

FIRST_GUESS_MS = 10.0
WEIGHT = 0.1


class Pace:
    """Milliseconds per token of each model, as a moving average."""

    def __init__(self) -> None:
        self._by_model: dict[str, float] = {}

    def expected_ms(self, model_id: str, tokens: int) -> int:
        """Milliseconds for so many tokens; at least 1."""
        return max(1, round(self._by_model.get(model_id, FIRST_GUESS_MS) * tokens))

    def learn(self, model_id: str, milliseconds: int, tokens: int) -> None:
        seen = milliseconds / tokens
        before = self._by_model.get(model_id, seen)
        self._by_model[model_id] = before + WEIGHT * (seen - before)

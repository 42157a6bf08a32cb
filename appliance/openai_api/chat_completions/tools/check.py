"""Whether calls are what the caller's tools allow."""

import msgspec

from appliance.openai_api.chat_completions.schemas import Checker, checker_for
from appliance.openai_api.chat_completions.tools.plan import ToolPlan


class CallChecker:
    """Knows the tools of one request."""

    def __init__(self, plan: ToolPlan) -> None:
        """Raises UnsupportedSchema when a tool's parameters are no schema."""
        self._forced = plan.forced
        self._single = plan.most_calls == 1
        self._checkers: dict[str, Checker] = {
            t.function.name: checker_for(schema, f"tools[{at}].function.parameters")
            for at, (t, schema) in enumerate(zip(plan.tools, plan.parameters().values(), strict=True))
        }

    def complaint(self, calls: list[tuple[str, str]]) -> str:
        """What is wrong with the calls (name, arguments as JSON); empty when nothing is."""
        if self._forced and not calls:
            return "no function was called"
        if self._single and len(calls) > 1:
            return "more than one function was called"
        for name, arguments in calls:
            checker = self._checkers.get(name)
            if checker is None:
                return f"there is no function '{name}'"
            try:
                value = msgspec.json.decode(arguments)
            except msgspec.DecodeError:
                return f"the arguments of '{name}' are no JSON"
            wrong = checker.complaint(value)
            if wrong:
                return f"the arguments of '{name}' do not fit: {wrong}"
        return ""

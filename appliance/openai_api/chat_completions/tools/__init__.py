"""Function calls whose arguments fit their schema, with every engine.

1. `plan.py` reads from the request which functions may, or must, be called.
2. A model that was made for tools is asked its own way (`native`), with decoding bound to the arguments' schemas. For
   any other, `prompt.py` puts the functions into the system message, and `grammar.py` binds the answer to the form of
   calls, which `scan.py` reads back into calls as it comes.
3. `check.py` compares the arguments with their schemas in any case: what does not fit is never passed on as a call.
"""

from appliance.openai_api.chat_completions.tools.check import CallChecker
from appliance.openai_api.chat_completions.tools.grammar import call_format
from appliance.openai_api.chat_completions.tools.plan import ToolPlan, plan_for
from appliance.openai_api.chat_completions.tools.prompt import with_tools
from appliance.openai_api.chat_completions.tools.scan import CallScanner, Piece

__all__ = ["CallChecker", "CallScanner", "Piece", "ToolPlan", "call_format", "plan_for", "with_tools"]

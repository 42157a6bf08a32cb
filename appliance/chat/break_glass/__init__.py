"""Breaking the glass: reading another person's conversations, for a reason, in the open, for a while.

1. Somebody who may asks, with a reason and a time: `requested`.
2. Somebody else who may approves or refuses. From the approval on the time runs, and the person is told.
3. Until it is over, the asker may list and read that person's conversations, and nothing else.
4. Each step, and each conversation that was read, is in the audit before anything is shown.

Rule: nobody reads alone. The asker, the approver and the person are three, each of them a person with an own login or
key: the machine's operator token is nobody's, and the shell of the machine is no second approver.
"""

from appliance.chat.break_glass.routes import BreakGlassController, NoticesController
from appliance.chat.break_glass.service import BreakGlass

__all__ = ["BreakGlass", "BreakGlassController", "NoticesController"]

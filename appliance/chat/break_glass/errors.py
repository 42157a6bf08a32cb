"""Why the glass stays whole."""

from appliance.foundation import Conflict, InvalidInput, NotAllowed


class NotApproved(NotAllowed):
    """The request was not approved, was refused, or its time is over."""

    code = "break_glass_not_open"
    remedy = "Have somebody else with the role approve it, or ask anew."


class SecondPersonNeeded(NotAllowed):
    """Whoever asked, or whom it is about, cannot approve."""

    code = "second_person_needed"
    remedy = "Ask another auditor or administrator."


class PersonNeeded(NotAllowed):
    """The caller is no person with a login or whole key of their own."""

    code = "person_needed"
    remedy = "Log in, or set APPLIANCE_URL and APPLIANCE_API_KEY to a key of your own."


class AlreadyDecided(Conflict):
    """Somebody has decided about the request, or it has lapsed."""

    code = "already_decided"
    remedy = "Ask anew."


class OwnConversations(InvalidInput):
    """One's own conversations need no broken glass, and a program has none."""

    code = "no_foreign_conversations"
    remedy = "Name another person."

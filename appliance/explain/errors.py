"""What can go wrong when somebody asks why."""

from appliance.foundation import InvalidInput, NotAllowed


class OthersAccess(NotAllowed):
    """The asker sees the object, and does not manage it: who else does is not their business."""

    code = "others_access"
    remedy = "Ask about yourself, or ask the owner of the object, an auditor or an administrator."


class OneObject(InvalidInput):
    code = "one_object"
    remedy = "Name exactly one: document, collection, conversation or assistant."

"""Why there is no reply. What may be done about it depends on how far the request came."""

from appliance.foundation import DefectError
from appliance.inference.errors import EngineUnavailable


class NotSent(EngineUnavailable):
    """There is no connection: the engine has seen nothing of the request. Another may be asked."""


class NoReply(EngineUnavailable):
    """The engine closed the connection before the first byte of a reply. Another may be asked."""


class Silent(EngineUnavailable):
    """The engine sent nothing for too long, before or in the reply. It may still be working on it."""


class BrokeOff(EngineUnavailable):
    """The engine closed the connection in the middle of its reply, or sent what is no HTTP reply."""


class UnsafeRequest(DefectError):
    """A path or a header of ours holds characters that would make two requests of one."""

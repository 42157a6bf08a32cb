"""HTTP plumbing without business: error replies, request ids, security headers, event streams, health.

Rule: this room alone knows how an error of ours becomes a status and a body. `/v1` answers in OpenAI's shape,
`/v1/messages` in Anthropic's, everything else in ours, from the same exception.
"""

from appliance.edge.bodies import BodyCutOff, StrictJson, read_json, reads_own_body
from appliance.edge.errors import anthropic_type, exception_handlers, openai_error
from appliance.edge.headers import FIXED, SEALED, STRICT_TRANSPORT, fixed_headers, with_fixed
from appliance.edge.health import Dependency, HealthController, ReadinessCheck
from appliance.edge.presence import PRESENCE, ClientGone, Presence, while_connected
from appliance.edge.proxies import Proxies
from appliance.edge.requestlog import RequestLog
from appliance.edge.requests import RequestFrame
from appliance.edge.schema import Described, WholeSchema
from appliance.edge.sse import event_stream, sse
from appliance.edge.strictjson import check_json
from appliance.edge.webui import lost_people, webui_routes

__all__ = [
    "FIXED",
    "PRESENCE",
    "SEALED",
    "STRICT_TRANSPORT",
    "BodyCutOff",
    "ClientGone",
    "Dependency",
    "Described",
    "HealthController",
    "Presence",
    "Proxies",
    "ReadinessCheck",
    "RequestFrame",
    "RequestLog",
    "StrictJson",
    "WholeSchema",
    "anthropic_type",
    "check_json",
    "event_stream",
    "exception_handlers",
    "fixed_headers",
    "lost_people",
    "openai_error",
    "read_json",
    "reads_own_body",
    "sse",
    "webui_routes",
    "while_connected",
    "with_fixed",
]

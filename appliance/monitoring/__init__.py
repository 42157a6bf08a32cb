"""The door for whoever watches the machine: `GET /metrics`, and `/api/audit`.

Counters and times are kept by `metrics`, where the work is done. What is a state and not an event (engines, documents
in work) is read here, when somebody asks.

Rule: the page is for administrators, and for the token that the settings name. It names models and routes, and how busy
people are; a stranger has no business with it, also not one on this machine.
"""

from appliance.monitoring.audit_routes import AuditController
from appliance.monitoring.page import MetricsPage
from appliance.monitoring.routes import MetricsController, MetricsDoor

__all__ = ["AuditController", "MetricsController", "MetricsDoor", "MetricsPage"]

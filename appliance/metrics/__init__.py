"""Counts and times, kept so cheaply that every request and every token can afford them.

1. Rooms call plain methods of a meter; each is a few additions on numbers that were looked up before.
2. `GET /metrics` asks for `Meters.text`, which writes them down in Prometheus' format.

Rules: a label has few values, all known beforehand (models that are served, routes, groups that the settings name);
everything else is `other`. No prompt, no name of a person or document, no key is a label. Meters are used on the event
loop only, so they need no locks.
"""

from appliance.metrics.calls import CallMeter, CallMeters
from appliance.metrics.families import Reading
from appliance.metrics.meters import Meters
from appliance.metrics.requests import RequestMeters

__all__ = ["CallMeter", "CallMeters", "Meters", "Reading", "RequestMeters"]

"""What a host tells when something is wrong: its part of a support bundle, and who tried to get out of it.

1. `collect.py` asks systemd, the journal, the disk, the network and the appliance itself, one by one: what cannot be
   asked is a sentence in the bundle.
2. `redact.py` stands before everything that is written: no secret, no address of a person, nothing that people wrote.
3. `egress.py` adds up every refused attempt to connect outward, over loads of the rules and restarts, for a statement.

Runs as root on the host, by `playbooks/diagnose.yml` and a timer; needs no running appliance.
"""

from appliance.support.collect import Collector
from appliance.support.egress import FOLDER, look, read_rules, statement
from appliance.support.errors import SupportFailed
from appliance.support.redact import Redactor

__all__ = ["FOLDER", "Collector", "Redactor", "SupportFailed", "look", "read_rules", "statement"]

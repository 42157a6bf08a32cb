"""Makes a Keycloak realm ready for the appliance: realm, clients, mappers, roles and groups.

1. `wanted.py` says as data what there should be, from the settings.
2. `apply.py` compares each object with what there is, and creates or changes what differs.
3. The command prints every change, and writes the clients' secrets to files that only their owner may read.

Rule: nothing that is not named in `wanted.py` is touched, and nothing is deleted: a realm may belong to a firm that had
it before us. Only the command imports this package, since nothing else may load the library of Keycloak's
administration.
"""

from appliance.identity.bootstrap.apply import Bootstrap, Change, KeycloakRefused
from appliance.identity.bootstrap.connection import Administrator, connect
from appliance.identity.bootstrap.wanted import Plan, Wanted, plan_of

__all__ = ["Administrator", "Bootstrap", "Change", "KeycloakRefused", "Plan", "Wanted", "connect", "plan_of"]

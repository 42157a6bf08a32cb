"""SCIM 2.0: a provisioning client of the firm makes, changes and shuts accounts, and keeps groups.

1. `routes.py` takes requests of a service account's key whose scope names `scim`, and nobody else's.
2. `service.py` does them: `users.py` and `groups.py` between rows and resources, `finding.py` from a filter to rows.
3. `resources.py` alone knows the types of `scim2_models`. It, and all that imports it, is loaded with the first
   request: an appliance without a provisioning client has no memory for it.

Rules: a SCIM client sees and touches what SCIM made, and nothing else: no local account, no group of a login. Its
`externalId` is the provider's subject, by which a later login finds the account. Attributes that we do not use are kept
and given back, and decide nothing.
"""

from appliance.identity.scim.routes import ScimController

__all__ = ["ScimController"]

"""Accounts and groups that are kept elsewhere: who is let in, what they become here, and groups inside groups.

1. A login with an identity provider, or a token of it, brings an `ExternalIdentity`: issuer, subject and claims.
2. `plan.py` decides, without writing: which account it is, whether it is let in, which groups it gains and loses.
3. `Accounts.admit` does what the plan says, in one transaction; `Accounts.explain` shows it.
4. `closure_of` makes of the groups of an account those that count for it; `Groups` puts groups into groups.

Rules: who is not named by an admitted group, or by a provisioning client (SCIM), is not let in. An account's key at a
provider is (issuer, subject), never the e-mail address: who controls an address at the provider must not become the
owner of a local account that has the same one.
"""

from appliance.identity.directory.accounts import Accounts
from appliance.identity.directory.ancestry import Ancestry, ancestry_of
from appliance.identity.directory.closure import closure_of
from appliance.identity.directory.errors import AccountShut, GroupCycle, KeptElsewhere, NotAdmitted
from appliance.identity.directory.groups import Groups
from appliance.identity.directory.values import AdmissionReport, AdmissionRules, ExternalIdentity

__all__ = [
    "AccountShut",
    "Accounts",
    "AdmissionReport",
    "AdmissionRules",
    "Ancestry",
    "ExternalIdentity",
    "GroupCycle",
    "Groups",
    "KeptElsewhere",
    "NotAdmitted",
    "ancestry_of",
    "closure_of",
]

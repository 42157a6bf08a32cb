"""What can go wrong when somebody logs in or manages people."""

from appliance.foundation import CapacityError, Conflict, InvalidInput, NotAllowed, NotAuthenticated


class BadCredentials(NotAuthenticated):
    """The same answer for an unknown account, a wrong password and a disabled account."""

    code = "bad_credentials"
    remedy = "Check both and try again, or ask an administrator to set a new password."


class TooManyAttempts(CapacityError):
    """Too many wrong passwords for one account."""

    code, status = "too_many_attempts", 429
    remedy = "Wait, then try again; an administrator can set a new password meanwhile."


class WeakPassword(InvalidInput):
    code = "weak_password"
    remedy = "Choose at least 12 characters; a sentence is easy to remember."


class NameTaken(Conflict):
    code = "name_taken"
    remedy = "Choose another one."


class LastAdministrator(Conflict):
    """Nobody could manage the appliance after this."""

    code = "last_administrator"
    remedy = "Make somebody else an administrator first."


class CredentialsMixed(InvalidInput):
    """A request that names two callers would be decided by the order of our code; it is refused instead."""

    code = "credentials_mixed"
    remedy = "Send either the session cookie or one Authorization header, once."


class CrossSiteRequest(NotAuthenticated):
    """An unsafe request with a session cookie that may come from another site's page."""

    code, status = "cross_site_request", 403
    remedy = "Send the header 'X-Requested-With: appliance' from the appliance's own pages."


class OutsideKeyScope(NotAllowed):
    """The key's owner may do it; the key is not meant for it."""

    code = "outside_key_scope"
    remedy = "Use a key whose scope has it; scopes are chosen when a key is made."


class AccessEnded(NotAuthenticated):
    """The account, key or session that work began with was ended while it went on."""

    code = "access_ended"
    remedy = "Log in again, or use another key."


class RightsLost(NotAllowed):
    """What the work rests on is no longer shared with its caller."""

    code = "rights_lost"
    remedy = "Ask once more; the answer then rests on what you may read now."


class RightsUnknown(CapacityError):
    """Nobody could say for five seconds whether the caller's rights still hold, so the work was ended."""

    code = "rights_unknown"
    remedy = "Try again when the database answers."


class AuthenticationBusy(CapacityError):
    """More unknown credentials at once than are looked up; known ones are not concerned."""

    code = "authentication_busy"
    remedy = "Try again in a moment."


class BadScope(InvalidInput):
    """A key's scope names something that cannot be in one."""

    code = "bad_scope"
    remedy = "Leave it out, or see the reference of keys."


class NotForServiceAccounts(InvalidInput):
    """A service account has no password and no role but `user`."""

    code = "not_for_service_accounts"
    remedy = "Make a key for it, or an account for a person."


class OwnMembership(NotAllowed):
    """A group administrator would give themselves what the group may read."""

    code = "own_membership"
    remedy = "Ask an administrator, or another administrator of the group."


class RoleNotYours(NotAllowed):
    """Somebody would give a right that they do not have."""

    code = "role_not_yours"
    remedy = "Only administrators give roles."


class OwnerUnknown(InvalidInput):
    code = "owner_unknown"
    remedy = "Name an account of a person, or a group."

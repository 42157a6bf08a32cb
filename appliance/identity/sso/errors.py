"""What can go wrong on the way through an identity provider."""

from appliance.foundation import NotAllowed, NotAuthenticated, NotFound


class SignOnOff(NotFound):
    """Nobody logs in that way here."""

    code = "single_sign_on_off"
    remedy = "Log in with your e-mail address and password."


class LocalLoginOff(NotAuthenticated):
    """Passwords of the appliance's own are switched off."""

    code = "local_login_off"
    remedy = "Use single sign-on."


class LoginRefused(NotAuthenticated):
    """The answer of the identity provider does not belong to a login that this browser began, or does not hold.

    `reason` is for the log; the browser learns no more than that it must begin anew.
    """

    code = "login_refused"
    remedy = "Begin to log in once more."

    def __init__(self, reason: str) -> None:
        super().__init__("The login was not completed.")
        self.reason = reason


class StepUpNeeded(NotAllowed):
    """The session is good, and for this act the person must prove again who they are."""

    code = "step_up_needed"
    remedy = "Open /auth/oidc/login?step_up=true in the browser, then try again."

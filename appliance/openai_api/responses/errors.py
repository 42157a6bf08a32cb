"""What can go wrong with responses."""

from appliance.foundation import CapacityError, InvalidInput, NotFound


class ResponseNotFound(NotFound):
    """There is no such response, or it is somebody else's."""

    code = "response_not_found"
    remedy = "It may have been deleted, or its time is over; with 'store: false' nothing is kept."


class PreviousResponseNotFound(NotFound):
    """The response that a request goes on from is not there, or one before it."""

    code = "previous_response_not_found"
    remedy = "Send the whole conversation as 'input'."


class NotCancellable(InvalidInput):
    """Only what runs in the background can be cancelled by a call; else closing the connection does it."""

    code = "response_not_cancellable"


class BackgroundFull(CapacityError):
    """As many responses are written in the background as this process takes."""

    code = "background_full"
    remedy = "Try again when some have ended."

"""Why a file was refused, in a sentence for people."""

from appliance.foundation import CallerError


class DocumentRefused(CallerError):
    """The file ends without text in the index. Not a defect of ours."""

    code, status = "document_refused", 422
    remedy = "Open the file, save it again, and upload it once more."

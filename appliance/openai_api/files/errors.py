"""What can go wrong with uploaded files."""

from appliance.foundation import InvalidInput, NotFound


class NoSuchFile(NotFound):
    """Also somebody else's, and one that has expired."""

    code = "file_not_found"
    remedy = "GET /v1/files lists your files."


class BadUpload(InvalidInput):
    """A part of the form is missing, unknown, or has a value that cannot be used."""

    code = "invalid_upload"
    remedy = "Send multipart/form-data with 'file' and 'purpose'."


class UploadTooLarge(InvalidInput):
    code, status = "file_too_large", 413
    remedy = "Split the file, or raise 'files.max_bytes'."

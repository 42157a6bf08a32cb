"""What may be sent to `/v1/files`, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from litestar.datastructures import UploadFile
from msgspec import Struct

from appliance.openai_api.errors import UnknownParameter
from appliance.openai_api.files.errors import BadUpload
from appliance.openai_api.files.repository import FileInfo
from appliance.openai_api.ids import public_id

Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
ListedPurpose = Purpose | Literal["batch_output"]
BATCH_DAYS = 30
"""A batch's input goes after these days unless the upload says otherwise."""
SHORTEST_S, LONGEST_S = 3600, 30 * 86400
KNOWN_PARTS = frozenset({"file", "purpose", "expires_after[anchor]", "expires_after[seconds]"})


class FileObject(Struct):
    id: str
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    object: Literal["file"] = "file"
    status: Literal["processed"] = "processed"
    status_details: None = None


class FileDeleted(Struct):
    id: str
    deleted: bool = True
    object: Literal["file"] = "file"


@dataclass(frozen=True, slots=True)
class Upload:
    """A form that fits."""

    file: UploadFile
    purpose: Purpose
    expires_after_s: int | None


def read_upload(form: Mapping[str, Any]) -> Upload:
    """Raises BadUpload, UnknownParameter."""
    unknown = sorted(set(form) - KNOWN_PARTS)
    if unknown:
        name = unknown[0][:100]
        raise UnknownParameter(f"The field '{name}' is not known.", param=name)
    file, purpose = form.get("file"), form.get("purpose")
    if not isinstance(file, UploadFile):
        raise BadUpload("The part 'file' is missing or has no file name.")
    if purpose not in get_args(Purpose):
        raise BadUpload(
            f"The purpose '{str(purpose)[:100]}' cannot be used." if purpose else "The part 'purpose' is missing.",
            remedy=f"Valid are: {', '.join(get_args(Purpose))}.",
        )
    return Upload(file, cast("Purpose", purpose), _expiry(form, batch=purpose == "batch"))


def _expiry(form: Mapping[str, Any], *, batch: bool) -> int | None:
    anchor, seconds = form.get("expires_after[anchor]"), form.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return BATCH_DAYS * 86400 if batch else None
    if anchor != "created_at":
        raise BadUpload("'expires_after[anchor]' must be 'created_at'.")
    if not isinstance(seconds, str) or not seconds.isascii() or not seconds.isdigit() or len(seconds) > 9:
        raise BadUpload("'expires_after[seconds]' must be a whole number.")
    if not SHORTEST_S <= int(seconds) <= LONGEST_S:
        raise BadUpload(f"'expires_after[seconds]' must be between {SHORTEST_S} and {LONGEST_S}.")
    return int(seconds)


def file_object(info: FileInfo) -> FileObject:
    return FileObject(
        id=public_id("file", info.id),
        bytes=info.size_bytes,
        created_at=int(info.created_at.timestamp()),
        expires_at=None if info.expires_at is None else int(info.expires_at.timestamp()),
        filename=info.filename,
        purpose=info.purpose,
    )

"""Which of the things that are kept for an account a caller reaches: files, batches, responses.

A narrowed key reaches only what it made itself. The account's other things may hold what the key is not for: answers of
other models, words from other collections.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, false
from sqlalchemy.orm import InstrumentedAttribute

from appliance.identity import Holder


def held_by(
    holder: Holder, owner: InstrumentedAttribute[UUID], key: InstrumentedAttribute[UUID | None]
) -> ColumnElement[bool]:
    """The condition on a table's columns of who made a row, and with which key."""
    own = owner == holder.user_id
    if not holder.only_its_own:
        return own
    return false() if holder.key_id is None else and_(own, key == holder.key_id)

"""What can go wrong with vector stores."""

from appliance.foundation import InvalidInput, NotFound


class NoSuchStore(NotFound):
    """Also one that the caller may not read."""

    code = "vector_store_not_found"
    remedy = "GET /v1/vector_stores lists those that you may use."


class NoSuchStoreFile(NotFound):
    code = "vector_store_file_not_found"
    remedy = "GET /v1/vector_stores/{id}/files lists those in it."


class NoSuchFileBatch(NotFound):
    code = "file_batch_not_found"


class StoreExpired(InvalidInput):
    code = "vector_store_expired"
    remedy = "Its owner can set another 'expires_after', or null."


class BadFilter(InvalidInput):
    """A condition on attributes that cannot be asked."""

    code = "invalid_filter"
    remedy = "Send {type, key, value} with eq, ne, gt, gte, lt, lte, in or nin, or {type, filters} with and or or."


class BadFileBatch(InvalidInput):
    code = "invalid_file_batch"
    remedy = "Send either 'file_ids' or 'files', each file once."

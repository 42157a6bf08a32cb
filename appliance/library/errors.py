"""What can go wrong on the shelf."""

from appliance.foundation import Conflict, InvalidInput


class CollectionNameTaken(Conflict):
    code = "name_taken"
    remedy = "Choose another name."


class BadReader(InvalidInput):
    code = "unknown_reader"
    remedy = "Share with 'everyone', or with the id of an existing user or group."


class BadPath(InvalidInput):
    code = "bad_path"
    remedy = "Use a relative path of at most 1,000 characters without '..' or control characters."

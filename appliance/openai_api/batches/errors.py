"""What can go wrong with batches."""

from appliance.foundation import Conflict, InvalidInput, NotFound


class NoSuchBatch(NotFound):
    """Also somebody else's."""

    code = "batch_not_found"
    remedy = "GET /v1/batches lists your batches."


class BadBatchInput(InvalidInput):
    """The file cannot be the input of a batch."""

    code = "invalid_batch_input"
    remedy = "Upload a JSONL file with the purpose 'batch'."


class BatchEnded(Conflict):
    code = "batch_not_cancellable"
    remedy = "Only a batch that is validating or in progress can be cancelled."


class LeaseLost(Exception):
    """Another process has the batch now. Never leaves this room."""

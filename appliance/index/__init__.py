"""Room to be described."""

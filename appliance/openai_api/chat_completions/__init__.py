"""One endpoint: `chat_completions`."""

"""One endpoint: `completions`."""

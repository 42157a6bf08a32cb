"""One endpoint: `models`."""

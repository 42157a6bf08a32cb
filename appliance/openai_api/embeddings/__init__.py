"""One endpoint: `embeddings`."""

"""Two endpoints that compare texts: `rerank` and `score`, in the shapes that Jina, Cohere and vLLM agree on."""

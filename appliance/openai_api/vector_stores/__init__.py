"""Collections as OpenAI's vector stores: `/v1/vector_stores`.

1. A collection *is* a vector store: `vs_` and its id. What OpenAI keeps of a store and a collection has no place for
   (metadata, expiry, the name as it was sent) lies beside it.
2. A file of `/v1/files` that is attached becomes a document of the collection, under `file-<id>/<name>`, by the same
   way as every other; documents that came another way appear as files too, by their own id.
3. A search goes through `retrieval` with the caller's scope. Conditions on attributes become a set of versions in SQL,
   and that set part of the index's query.

Rule: nothing here decides who may read or change a collection; `documents` and `retrieval` do.
"""

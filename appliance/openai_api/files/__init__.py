"""Files that programs upload: `/v1/files`.

1. The bytes go to the file store by their SHA-256, as documents' do; a row says whose they are and what for.
2. Vector stores and batches refer to the bytes by themselves, so deleting a file takes nothing from a batch in work.
3. What has expired is not there from that second on; its bytes go with the next sweep.

Rule: a file belongs to one account. For everybody else, administrators too, there is no such file.
"""

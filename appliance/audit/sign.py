"""Signs one message in a process of its own: `python sign.py KEYFILE < message > public-key-and-signature`.

It imports nothing of ours. The library that it needs takes 7 MB, which the gateway would hold for ever for a signature
a minute; and so the key is never in the memory of a process that talks to strangers.
"""

import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

if __name__ == "__main__":
    key = Ed25519PrivateKey.from_private_bytes(Path(sys.argv[1]).read_bytes())
    sys.stdout.buffer.write(key.public_key().public_bytes_raw() + key.sign(sys.stdin.buffer.read()))

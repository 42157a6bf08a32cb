"""One consistent point over everything that cannot be made again, while the appliance runs.

1. `moment.py` finds the point: it copies the audit's checkpoints, pins a snapshot of the database, and, while nobody
   writes to the index and nobody drops a file, copies the index and takes hold of new files: the only pause.
2. `create.py` then writes it out at leisure, from what is pinned: files into a pool by their hash, once for all
   backups; tables through `sqlite.py` or `postgres.py`; keys and secrets encrypted by `age` to a key that is not here.
3. The manifest is written last and the folder gets its name in one step: a backup that was killed has no name.
4. `restore.py` puts one into an empty place, the database last; `compare.py` holds it against the manifest, and
   `drill.py` does both beside the running appliance. `packed.py` carries one to another machine.

What the database says at that moment has its files, its passages and its checkpoints in the backup. The other way
round there may be more: an index may know passages that no table has, which a search drops, and files may lie there
that no row names, which the next sweep removes.
"""

from appliance.backup.compare import compare
from appliance.backup.create import PROOF, create
from appliance.backup.drill import Drill, drill
from appliance.backup.errors import BackupFailed, BackupRefused
from appliance.backup.folder import Backups
from appliance.backup.manifest import BackupManifest
from appliance.backup.packed import pack, unpack
from appliance.backup.places import Places
from appliance.backup.restore import restore
from appliance.backup.secrets import seal, unseal
from appliance.backup.verify import verify

__all__ = [
    "PROOF",
    "BackupFailed",
    "BackupManifest",
    "BackupRefused",
    "Backups",
    "Drill",
    "Places",
    "compare",
    "create",
    "drill",
    "pack",
    "restore",
    "seal",
    "unpack",
    "unseal",
    "verify",
]

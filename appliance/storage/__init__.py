"""Where state lies: the SQL database and the files, with no business table of its own.

A room keeps its tables in its `models.py` on `Base` and runs its queries inside `Database.read()` or
`Database.write()`. Bytes go to `FileStore`, named by their SHA-256.

Rule: nobody opens a session or a state file by another way, so that SQLite's single writer and PostgreSQL behave the
same to the rooms above.
"""

from appliance.storage.database import Base, Database, UtcDateTime
from appliance.storage.errors import DatabaseUnavailable
from appliance.storage.files import FileStore, FileTooLarge, StoredFile, Used
from appliance.storage.late import before_commit
from appliance.storage.paging import Page, PageAsk, keyset, page_of
from appliance.storage.settings import StorageSettings

__all__ = [
    "Base",
    "Database",
    "DatabaseUnavailable",
    "FileStore",
    "FileTooLarge",
    "Page",
    "PageAsk",
    "StorageSettings",
    "StoredFile",
    "Used",
    "UtcDateTime",
    "before_commit",
    "keyset",
    "page_of",
]

"""Nothing that grows is begun on the last bytes of a disk."""

from pathlib import Path

import pytest

from appliance.foundation import DiskFull, require_room, room
from appliance.index.edge import EdgeIndex
from appliance.storage import FileStore


async def test_a_disk_with_hardly_any_room_takes_no_bytes_and_no_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_room(tmp_path / "not" / "there" / "yet")
    monkeypatch.setattr(room, "ROOM_BYTES", 1 << 60)
    files, index = FileStore(tmp_path / "files", ()), EdgeIndex(tmp_path / "index")
    with pytest.raises(DiskFull) as told:
        async with files.keep_bytes(b"something"):
            pass
    assert told.value.status == 507
    assert "free space" in told.value.way_out
    with pytest.raises(DiskFull):
        await index.ensure_space("space", 4)
    await index.close()

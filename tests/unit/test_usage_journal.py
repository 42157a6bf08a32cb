"""The journal says what was written, whatever happened to the file."""

import random
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from appliance.usage.errors import JournalUnwritable
from appliance.usage.journal import HEADER, Journal, segments
from appliance.usage.records import Carried, Reserved, Settled
from appliance.usage.replay import read_segment, replay

GATEWAY = UUID(int=7)
DAY = date(2026, 11, 25)


def reserved(prompt: int = 5) -> Reserved:
    return Reserved(DAY, uuid4().bytes, bytes(16), (), "model", "chat/completions", "interactive", prompt, 100, 0)


def opened(folder: Path, *, last: int = 0, segment_bytes: int = 1 << 20, most_bytes: int = 1 << 30) -> Journal:
    return Journal(folder, GATEWAY, last_sequence=last, segment_bytes=segment_bytes, most_bytes=most_bytes)


def written(folder: Path, count: int) -> Path:
    """A segment of so many settled requests."""
    journal = opened(folder)
    for _ in range(count):
        journal.append(Settled(journal.append(reserved()), 3, 4, 5, "done"))
    journal.close(settled=False)
    return segments(folder)[-1]


def _fill(journal: Journal) -> None:
    for _ in range(1000):
        journal.append(reserved())
        if journal.is_full:
            journal.rotate(())


def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    written(tmp_path, 20)
    found = replay(tmp_path, 0)
    assert len(found.settled) == 20
    assert found.unsettled == {}
    assert found.last_sequence == 40
    assert found.damaged_bytes == 0


def test_what_the_database_has_is_left_out(tmp_path: Path) -> None:
    written(tmp_path, 20)
    for applied in range(41):
        assert len(replay(tmp_path, applied).settled) == 20 - applied // 2


def test_a_cut_at_every_byte_loses_only_what_was_not_finished(tmp_path: Path) -> None:
    whole = written(tmp_path, 6).read_bytes()
    ends = [HEADER.size]
    for sequence, _ in read_segment(segments(tmp_path)[-1]).records:
        length = int.from_bytes(whole[ends[-1] : ends[-1] + 4], "little")
        ends.append(ends[-1] + 16 + length)
        assert sequence == len(ends) - 1
    cut_file = tmp_path / "00000009.journal"
    for cut in range(len(whole) + 1):
        cut_file.write_bytes(whole[:cut])
        found = read_segment(cut_file)
        assert len(found.records) == max(0, sum(end <= cut for end in ends) - 1)
        assert found.damaged_bytes == 0
        assert found.torn_bytes == cut - max((end for end in ends if end <= cut), default=0)


def test_damage_at_any_byte_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    whole = written(tmp_path, 6).read_bytes()
    broken = tmp_path / "00000009.journal"
    chance = random.Random(3)
    silent = 0
    for at in range(len(whole)):
        data = bytearray(whole)
        data[at] ^= 1 << chance.randrange(8)
        broken.write_bytes(data)
        found = read_segment(broken)
        assert len(found.records) >= 11
        assert [s for s, _ in found.records] == sorted({s for s, _ in found.records})
        silent += found.damaged_bytes == 0 and found.torn_bytes == 0
    assert silent == 0


def test_a_settlement_without_its_reservation_is_counted_as_an_orphan(tmp_path: Path) -> None:
    path = written(tmp_path, 3)
    data = bytearray(path.read_bytes())
    data[HEADER.size + 20] ^= 0xFF
    path.write_bytes(data)
    found = replay(tmp_path, 0)
    assert (found.orphans, len(found.settled)) == (1, 2)
    assert found.damaged_bytes > 0


def test_open_reservations_move_on_so_that_segments_can_go(tmp_path: Path) -> None:
    journal = opened(tmp_path, segment_bytes=2000)
    open_ones = {journal.append(r): r for r in (reserved(1), reserved(2))}
    for _ in range(20):
        journal.append(Settled(journal.append(reserved()), 1, 1, 1, "done"))
    assert journal.is_full
    journal.rotate(Carried(number, r) for number, r in open_ones.items())
    assert len(segments(tmp_path)) == 2
    journal.drop_through(journal.sequence - 3)  # not everything is in the database
    assert len(segments(tmp_path)) == 2
    journal.drop_through(journal.sequence - 2)
    assert len(segments(tmp_path)) == 1
    found = replay(tmp_path, journal.sequence)
    assert found.unsettled == open_ones
    journal.append(Settled(1, 1, 1, 1, "done"))
    assert list(replay(tmp_path, 0).unsettled) == [2]
    journal.close(settled=False)


def test_the_journal_does_not_grow_without_bound(tmp_path: Path) -> None:
    journal = opened(tmp_path, segment_bytes=1000, most_bytes=5000)
    with pytest.raises(JournalUnwritable, match="full"):
        _fill(journal)
    assert 3000 < sum(path.stat().st_size for path in segments(tmp_path)) <= 6000
    journal.close(settled=False)


def test_sequences_go_on_after_a_restart(tmp_path: Path) -> None:
    written(tmp_path, 2)
    again = opened(tmp_path, last=4)
    assert again.append(reserved()) == 5
    again.close(settled=False)
    assert replay(tmp_path, 0).last_sequence == 5

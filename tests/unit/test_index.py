"""Words, weights, and both index adapters against one list of promises."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.index import (
    EdgeIndex,
    IndexUnavailable,
    PassageIndex,
    PassagePoint,
    SearchScope,
    SpaceMismatch,
    Tokenizer,
)
from appliance.index.errors import IndexLocked
from appliance.index.qdrant import QdrantIndex
from appliance.index.stopwords import without_stop_words
from tests.fakes.engine import embed
from tests.fakes.qdrant import serving as serving_qdrant

ROOT = Path(__file__).resolve().parents[2]
SPACE, DIMENSION = "e5-384", 384
RED, BLUE = uuid.UUID(int=1), uuid.UUID(int=2)


def point(number: int, text: str, collection: uuid.UUID = RED, version: int = 1) -> PassagePoint:
    return PassagePoint(
        passage_id=uuid.UUID(int=number),
        collection_id=collection,
        document_id=uuid.UUID(int=1000 + version),
        version_id=uuid.UUID(int=2000 + version),
        dense=embed(text),
        text=text,
    )


@pytest.fixture(params=["edge", "qdrant"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PassageIndex]:
    """The embedded adapter, and the server adapter with the real client over the same engine."""
    if request.param == "edge":
        made = EdgeIndex(tmp_path)
        yield made
        await made.close()
        return
    async with serving_qdrant(tmp_path) as url:
        client = QdrantIndex(url, api_key="", timeout_s=10)
        yield client
        await client.close()


async def find(index: PassageIndex, text: str, *collections: uuid.UUID, excluded: tuple[int, ...] = ()) -> list[int]:
    scope = SearchScope(frozenset(collections), frozenset(uuid.UUID(int=2000 + v) for v in excluded))
    hits = await index.search(SPACE, dense=embed(text), text=text, scope=scope, limit=10)
    return [hit.passage_id.int for hit in hits]


async def filled(index: PassageIndex) -> None:
    await index.ensure_space(SPACE, DIMENSION)
    await index.upsert(
        SPACE,
        [
            point(11, "A night in a hotel costs 140 euros.", RED, 1),
            point(12, "The pump is oiled every six months.", RED, 2),
            point(13, "A hotel in Paris costs 190 euros.", BLUE, 3),
        ],
    )


async def test_what_fits_best_comes_first(index: PassageIndex) -> None:
    await filled(index)
    assert (await find(index, "hotel costs", RED))[0] == 11
    assert (await find(index, "oiled pump", RED, BLUE))[0] == 12


async def test_nothing_outside_the_scope_is_ever_found(index: PassageIndex) -> None:
    await filled(index)
    assert 13 not in await find(index, "hotel Paris", RED)
    assert await find(index, "hotel Paris", uuid.uuid4()) == []
    assert await find(index, "hotel Paris") == []
    assert 11 not in await find(index, "hotel", RED, BLUE, excluded=(1,))


async def test_a_search_in_some_versions_looks_into_those_only(index: PassageIndex) -> None:
    await filled(index)

    async def found(*versions: int) -> set[int]:
        only = frozenset(uuid.UUID(int=2000 + v) for v in versions)
        scope = SearchScope(frozenset([RED, BLUE]), only_versions=only)
        hits = await index.search(SPACE, dense=embed("hotel"), text="hotel", scope=scope, limit=10)
        return {hit.passage_id.int for hit in hits}

    assert await found(1) == {11}
    assert await found(2, 3) == {12, 13}
    assert await found(9) == set()
    assert await found() == set()


async def test_writing_twice_changes_nothing(index: PassageIndex) -> None:
    await filled(index)
    await filled(index)
    assert await index.count(SPACE, uuid.UUID(int=2001)) == 1


async def test_a_deleted_version_is_gone(index: PassageIndex) -> None:
    await filled(index)
    await index.delete_versions(SPACE, [uuid.UUID(int=2001), uuid.uuid4()])
    assert 11 not in await find(index, "hotel costs", RED)
    assert await index.count(SPACE, uuid.UUID(int=2001)) == 0
    assert await index.count(SPACE, uuid.UUID(int=2002)) == 1


async def test_a_space_that_is_not_there_finds_nothing(index: PassageIndex) -> None:
    assert await find(index, "hotel", RED) == []


async def test_a_space_keeps_its_dimension(index: PassageIndex) -> None:
    await index.ensure_space(SPACE, DIMENSION)
    with pytest.raises(SpaceMismatch):
        await index.ensure_space(SPACE, 768)


async def test_the_embedded_index_survives_being_closed(tmp_path: Path) -> None:
    first = EdgeIndex(tmp_path)
    await filled(first)
    await first.close()
    second = EdgeIndex(tmp_path)
    assert (await find(second, "hotel costs", RED))[0] == 11
    await second.close()


async def test_the_embedded_index_has_one_owner(tmp_path: Path) -> None:
    first, second = EdgeIndex(tmp_path), EdgeIndex(tmp_path)
    await filled(first)
    with pytest.raises(IndexLocked):
        await find(second, "hotel", RED)
    await first.close()
    await second.close()


def written_by(folder: Path, batches: int) -> None:
    """Another process writes batches of points and is killed as soon as the last write has returned."""
    program = (
        "import asyncio, os, signal, sys, pathlib\n"
        "from tests.unit.test_index import SPACE, DIMENSION, EdgeIndex, point\n"
        "async def main():\n"
        "    index = EdgeIndex(pathlib.Path(sys.argv[1]))\n"
        "    await index.ensure_space(SPACE, DIMENSION)\n"
        "    for n in range(int(sys.argv[2])):\n"
        "        batch = [point(100 * n + i + 1, f'hotel {n} {i}', version=n) for i in range(20)]\n"
        "        await index.upsert(SPACE, batch)\n"
        "    await index.delete_versions(SPACE, [point(1, '', version=0).version_id])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(folder), str(batches)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL


async def test_a_kill_loses_nothing_that_was_written(tmp_path: Path) -> None:
    written_by(tmp_path, 4)
    index = EdgeIndex(tmp_path)
    assert [await index.count(SPACE, uuid.UUID(int=2000 + n)) for n in range(4)] == [0, 20, 20, 20]
    assert (await find(index, "hotel 2 7", RED))[0] == 208
    await index.close()


async def test_the_log_is_where_we_sync_it(tmp_path: Path) -> None:
    """Durability against a power cut rests on these files; an engine that keeps them elsewhere must be noticed."""
    index = EdgeIndex(tmp_path)
    await filled(index)
    log = tmp_path / SPACE / "shard" / "wal"
    assert any(b"collection_id" in file.read_bytes() for file in log.iterdir())
    await index.close()


async def test_a_log_whose_files_change_their_names_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine prepares the next part of its log in the background and renames it when it likes."""
    index = EdgeIndex(tmp_path)
    await filled(index)
    listed = os.listdir
    monkeypatch.setattr("appliance.index.edge.os.listdir", lambda folder: [*listed(folder), "tmp-open-7"])
    await filled(index)
    assert (await find(index, "hotel costs", RED))[0] == 11
    await index.close()


async def test_a_space_that_was_half_made_is_made_anew(tmp_path: Path) -> None:
    first = EdgeIndex(tmp_path)
    await first.ensure_space(SPACE, DIMENSION)
    await first.close()
    (tmp_path / SPACE / "space.json").unlink()  # what a kill just before it was written leaves
    second = EdgeIndex(tmp_path)
    await filled(second)
    assert (await find(second, "hotel costs", RED))[0] == 11
    await second.close()


async def test_searches_and_writes_at_once(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    await filled(index)

    async def write() -> None:
        for n in range(30):
            await index.upsert(SPACE, [point(1000 + n, f"filler {n}", BLUE, 9)])

    *found, _ = await asyncio.gather(*(find(index, "hotel costs", RED) for _ in range(50)), write())
    assert {f[0] for f in found if f} == {11}
    assert await index.count(SPACE, uuid.UUID(int=2009)) == 30
    await index.close()


async def test_many_searches_at_once(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    await filled(index)
    found = await asyncio.gather(*(find(index, "hotel costs", RED) for _ in range(50)))
    assert {f[0] for f in found if f} == {11}
    await index.close()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Hotels", "hotel"),
        ("ＦＭ－２００", "fm-200"),
        ("running costs", "run cost"),
        ("東京都", "東京"),
        ("the company's", "company"),
        ("ﬁle", "FILE"),
    ],
)
def test_forms_of_a_word_meet(left: str, right: str) -> None:
    tokenizer = Tokenizer()
    assert set(tokenizer.terms(left)) & set(tokenizer.terms(right))


def test_an_identifier_counts_whole_and_in_parts() -> None:
    terms = Tokenizer().terms("RX-4500/b")
    assert {"rx-4500/b", "rx", "4500"} <= set(terms)


@given(st.text())
def test_no_text_breaks_the_tokenizer(text: str) -> None:
    assert all(term and term == term.lower() for term in Tokenizer().terms(text)) or not text.isascii()


async def test_an_index_that_answers_can_be_told_from_one_that_does_not(index: PassageIndex) -> None:
    await index.check()
    gone = QdrantIndex("http://127.0.0.1:9", api_key="", timeout_s=1)
    with pytest.raises(IndexUnavailable):
        await gone.check()
    await gone.close()


async def test_passages_that_each_lead_one_list_have_a_fixed_order(index: PassageIndex) -> None:
    """The words of one, the vector of the other: equal by RRF, but for the weight that puts words first."""
    await index.ensure_space(SPACE, DIMENSION)
    words = point(1, "zebra crossing", RED, 1)
    meaning = PassagePoint(
        **{f: getattr(point(2, "other", RED, 2), f) for f in words.__slots__} | {"dense": embed("q")}
    )
    await index.upsert(SPACE, [words, meaning])
    scope = SearchScope(frozenset([RED]))
    hits = await index.search(SPACE, dense=embed("q"), text="zebra", scope=scope, limit=2)
    assert hits[0].score > hits[1].score


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ("What is the price of the pump?", ["price", "pump"]),
        ("What does it cost during the night?", ["cost", "night"]),
        ("Who is it?", ["who", "is", "it"]),
        ("Who runs IT in the US?", ["run", "it", "us"]),
        ("WHO RUNS IT?", ["run"]),
        ("在宅勤務は何日まで", ["在", "宅"]),
    ],
)
def test_a_question_loses_the_words_that_it_is_not_about(question: str, kept: list[str]) -> None:
    assert list(without_stop_words(Tokenizer().terms(question), question))[: len(kept)] == kept

"""What must hold once the dust has settled, read from the database, the index and the disk themselves."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import qdrant_edge as qe
from sqlalchemy import func, select

from appliance.configuration import index_settings, storage_settings
from appliance.index import EdgeIndex, space_name
from appliance.library.models import CollectionRow, DocumentRow, PassageRow, VersionRow
from appliance.settings import Settings
from appliance.storage import Database
from tests.campaigns.papers import Version
from tests.campaigns.promises import Promises
from tests.campaigns.witness import Witness

ENDED = ("indexed", "retired")


async def until_swept(settings: Settings, timeout_s: float) -> None:
    """Wait for the sweep, which nobody announces: the database is asked. Raises TimeoutError."""
    database = Database(storage_settings(settings))
    dirty = (
        select(func.count()).select_from(VersionRow).where(VersionRow.unpublished_points.is_(True)),
        select(func.count()).select_from(DocumentRow).where(DocumentRow.alive != ""),
        select(func.count()).select_from(CollectionRow).where(CollectionRow.alive != ""),
    )
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                async with database.read() as session:
                    if not any([await session.scalar(query) for query in dirty]):
                        return
                await asyncio.sleep(0.2)
    finally:
        await database.close()


async def check_answers(promises: Promises, witness: Witness) -> None:
    """Each living fact finds its document and nothing else, each overtaken or deleted one finds nothing."""
    for path, story in promises.stories.items():
        for step in story.steps:
            if not isinstance(step, Version):
                continue
            for word in {step.fact, step.words[-1]}:
                documents = {(i["document"]["id"], i["document"]["name"]) for i in await witness.find(word)}
                wanted = {(story.document_id, path.rpartition("/")[2])} if step is story.last else set()
                if documents != wanted:
                    promises.accuse(f"{path} step {step.step}: '{word}' finds {documents or 'nothing'}, not {wanted}")


@dataclass(frozen=True)
class Counts:
    documents: int
    versions: int
    passages: int
    points: int
    files: int


async def check_state(settings: Settings, promises: Promises) -> Counts:
    """Compare database, index and files of an appliance that is stopped."""
    database = Database(storage_settings(settings))
    try:
        async with database.read() as session:
            documents = (await session.scalars(select(DocumentRow))).all()
            versions = (await session.scalars(select(VersionRow))).all()
            collection = (await session.scalars(select(CollectionRow))).one()
            grouped = await session.execute(select(PassageRow.version_id, func.count()).group_by(PassageRow.version_id))
            passages = {row[0]: row[1] for row in grouped}
    finally:
        await database.close()
    _check_documents(promises, documents, versions)
    space = space_name(collection.embedding_model, collection.dimension)
    points = await _check_points(settings, promises, space, documents, versions, passages)
    files = _check_files(storage_settings(settings).files_dir, promises, versions)
    return Counts(len(documents), len(versions), sum(passages.values()), points, files)


def _check_documents(promises: Promises, documents: Sequence[DocumentRow], versions: Sequence[VersionRow]) -> None:
    expected = Counter(path for path, story in promises.stories.items() if isinstance(story.last, Version))
    found = Counter(d.path for d in documents)
    if found != expected:
        promises.accuse(f"documents too many: {found - expected}, missing: {expected - found}")
    by_document: dict[object, list[VersionRow]] = {}
    for version in versions:
        by_document.setdefault(version.document_id, []).append(version)
    for document in documents:
        own = by_document.get(document.id, [])
        published = [v for v in own if v.state == "indexed"]
        newest = max(own, key=lambda v: v.number, default=None)
        if len(published) != 1 or published[0] is not newest or document.current_version_id != published[0].id:
            promises.accuse(f"{document.path}: versions {[(v.number, v.state, v.reason) for v in own]}")
        if any(v.state not in ENDED or v.unpublished_points for v in own):
            promises.accuse(f"{document.path}: a version is not ended or not swept")


async def _check_points(
    settings: Settings,
    promises: Promises,
    space: str,
    documents: Sequence[DocumentRow],
    versions: Sequence[VersionRow],
    passages: Mapping[UUID, int],
) -> int:
    published = {d.current_version_id for d in documents}
    index = EdgeIndex(index_settings(settings).folder)
    try:
        for version in versions:
            points = await index.count(space, version.id)
            kept = passages.get(version.id, 0)
            wanted = kept if version.id in published else 0
            if points != wanted or (version.id in published and not kept == version.passage_count > 0):
                promises.accuse(
                    f"version {version.number} ({version.state}) of {version.document_id}: {points} points, "
                    f"{kept} passages, {version.passage_count} noted"
                )
    finally:
        await index.close()
    shard = qe.EdgeShard.load(str(index_settings(settings).folder / space / "shard"))
    total = int(shard.count(qe.CountRequest(exact=True)))
    shard.close()
    expected = sum(count for version, count in passages.items() if version in published)
    if total != expected:
        promises.accuse(f"the index holds {total} points, the published versions have {expected} passages")
    return total


def _check_files(folder: Path, promises: Promises, versions: Sequence[VersionRow]) -> int:
    wanted = {s for v in versions for s in (v.sha256, v.blocks_sha256) if s}
    there = {p.name for p in folder.rglob("*") if p.is_file()}
    if there - wanted:
        promises.accuse(f"{len(there - wanted)} files that nothing refers to: {sorted(there - wanted)[:5]}")
    if wanted - there:
        promises.accuse(f"{len(wanted - there)} files are missing: {sorted(wanted - there)[:5]}")
    return len(there)

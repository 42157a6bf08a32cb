"""What happens to one version, step by step. Each step can be repeated after a crash at any point.

read (in the cage) → cut into passages → embed and index in batches → publish by one pointer → sweep what it replaced
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec
import structlog

from appliance.documents.settings import DocumentSettings
from appliance.foundation import DefectError
from appliance.index import PassageIndex, PassagePoint, space_name
from appliance.inference import Embedder
from appliance.library import IngestLog, IngestTask, PassageText, passage_id
from appliance.parsing import (
    Block,
    CageLimits,
    DocumentRefused,
    ParsedDocument,
    PassageDraft,
    PassageRules,
    make_passages,
    parse_file,
)
from appliance.storage import FileStore

log = structlog.get_logger(__name__)

SWEEP_AT_ONCE = 50
SLOW_S = 20.0
"""Embedding one batch takes seconds, also on a machine without GPU."""


class Ingest:
    """The work on documents, free of scheduling; `jobs.py` makes it durable."""

    def __init__(
        self,
        shelf: IngestLog,
        files: FileStore,
        index: PassageIndex,
        embedder: Embedder,
        settings: DocumentSettings,
    ) -> None:
        self._log = shelf
        self._files = files
        self._index = index
        self._embedder = embedder
        self._settings = settings

    async def read(self, task: IngestTask) -> str | None:
        """Parse the bytes and keep the blocks.

        Returns:
            SHA-256 of the stored blocks, or None when the file was refused (noted with its reason) or is overtaken.
        """
        await self._log.note(task.version_id, stage="reading", percent=5)
        try:
            parsed = await parse_file(self._files.path(task.sha256), task.name, CageLimits())
        except DocumentRefused as refusal:
            await self._log.refuse(task.version_id, refusal.sentence())
            return None
        async with self._files.keep_bytes(msgspec.msgpack.encode(parsed)) as stored:
            noted = await self._log.note_parsed(
                task.version_id,
                blocks_sha256=stored.sha256,
                media_type=parsed.media_type,
                page_count=parsed.page_count,
            )
        if not noted:
            await self._files.drop_unused([stored.sha256])
            return None
        return stored.sha256

    async def cut(self, task: IngestTask, blocks_sha256: str) -> int:
        """Make and keep the passages. Returns how many; none at all refuses the file. 0 when it is overtaken."""
        if not await self._log.note(task.version_id, stage="cutting", percent=20):
            return 0
        parsed = await load_blocks(self._files, blocks_sha256)
        rules = PassageRules(characters=self._settings.passage_characters)
        drafts = await asyncio.to_thread(make_passages, parsed, rules)
        if not drafts:
            await self._log.refuse(
                task.version_id, "No text was found in it. Save it again as text or as a clearer scan."
            )
            return 0
        kept = await self._log.keep_passages(task.version_id, [_passage_text(d) for d in drafts])
        return len(drafts) if kept else 0

    async def index_batch(self, task: IngestTask, blocks_sha256: str, start: int, count: int) -> int:
        """Embed and index the passages from `start` on. Returns where the next batch starts; `count` ends the work."""
        percent = 25 + round(70 * start / max(1, count))
        if not await self._log.note(task.version_id, stage="indexing", percent=percent):
            return count  # asked before the blocks are read: those of a deleted document may be gone
        parsed = await load_blocks(self._files, blocks_sha256)
        rules = PassageRules(characters=self._settings.passage_characters)
        drafts = await asyncio.to_thread(make_passages, parsed, rules)
        batch = drafts[start : start + self._settings.embed_batch_count]
        texts = [searchable_text(parsed.title, d) for d in batch]
        vectors = await self._embedded(task, texts)
        space = space_name(task.profile.model_id, task.profile.dimension)
        await self._index.ensure_space(space, task.profile.dimension)
        await self._index.upsert(space, _points(task, batch, texts, vectors))
        if not await self._log.in_work(task.version_id):
            await self._index.delete_versions(space, [task.version_id])  # the sweep may have been here before us
            return count
        return start + len(batch)

    async def _embedded(self, task: IngestTask, texts: Sequence[str]) -> list[list[float]]:
        """Vectors. The embedder waits some minutes for an engine that starts again; people are told after a while."""
        working = asyncio.ensure_future(self._embedder.embed_passages(task.profile, texts))
        try:
            done, _ = await asyncio.wait({working}, timeout=SLOW_S)
            if not done:
                await self._log.note(
                    task.version_id, stage="waiting", detail="waiting: The engine is slow or starting."
                )
            return await working
        finally:
            working.cancel()

    async def publish(self, task: IngestTask, blocks_sha256: str, passage_count: int) -> bool:
        """Make sure that every passage is in the index, then switch the pointer.

        Returns:
            False when the version was overtaken or deleted meanwhile; its points are taken out again.

        Raises:
            DefectError: passages are missing in the index; the step is repeated.
        """
        space = space_name(task.profile.model_id, task.profile.dimension)
        reason = ""
        if await self._log.note(task.version_id, stage="publishing", percent=98):
            indexed = await self._index.count(space, task.version_id)
            if indexed != passage_count:
                raise DefectError(f"The index holds {indexed} of {passage_count} passages of {task.version_id}.")
            reason = " ".join((await load_blocks(self._files, blocks_sha256)).problems)
        published = await self._log.publish(task.version_id, reason=reason)
        if not published:
            await self._index.delete_versions(space, [task.version_id])
        return published

    async def sweep(self) -> int:
        """Take dead points out of the index, then forget them. Returns how many versions were swept."""
        leftovers = await self._log.leftovers(limit=SWEEP_AT_ONCE)
        by_space: dict[str, list[UUID]] = {}
        for x in leftovers:
            by_space.setdefault(space_name(x.profile.model_id, x.profile.dimension), []).append(x.version_id)
        for space, version_ids in by_space.items():
            await self._index.delete_versions(space, version_ids)
        dropped = await self._log.swept(leftovers)  # asked always: a deleted collection may have been empty
        if dropped:
            await self._files.drop_unused(dropped)
        return len(leftovers)

    async def clean_files(self) -> None:
        """Remove stored files that a crash left without anybody who refers to them."""
        dropped = await self._files.clean()
        if dropped:
            log.info("removed what a crash left in the file store", files=dropped)


async def load_blocks(files: FileStore, blocks_sha256: str) -> ParsedDocument:
    """The parsed blocks of a version. Raises FileNotFoundError."""
    return msgspec.msgpack.decode(await files.read(blocks_sha256), type=ParsedDocument)


def searchable_text(title: str, draft: PassageDraft) -> str:
    """What is embedded and tokenised: title and headings place the passage, then its own words."""
    place = " › ".join(p for p in (title, *draft.heading_path) if p)
    return f"{place}\n{draft.text}" if place else draft.text


def page_blocks(parsed: ParsedDocument, page: int) -> tuple[Block, ...]:
    """Blocks of one page; a document without pages has them all on page 1."""
    return tuple(b for b in parsed.blocks if (b.page or 1) == page)


def _points(
    task: IngestTask, batch: Sequence[PassageDraft], texts: Sequence[str], vectors: Sequence[Sequence[float]]
) -> list[PassagePoint]:
    return [
        PassagePoint(
            passage_id=passage_id(task.version_id, draft.ordinal),
            collection_id=task.collection_id,
            document_id=task.document_id,
            version_id=task.version_id,
            dense=vector,
            text=text,
        )
        for draft, text, vector in zip(batch, texts, vectors, strict=True)
    ]


def _passage_text(draft: PassageDraft) -> PassageText:
    return PassageText(
        ordinal=draft.ordinal,
        text=draft.text,
        page=draft.page,
        page_end=draft.page_end,
        heading_path=draft.heading_path,
        boxes=tuple((page, (b.left, b.top, b.right, b.bottom)) for page, b in draft.boxes),
    )

"""From records to wire shapes, with the names of people and groups filled in."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from appliance.documents.service import DocumentService, has_page_image
from appliance.documents.wire import (
    Collection,
    Counts,
    Document,
    Owner,
    PageBlock,
    PassageCollection,
    PassageReply,
    Reader,
    SourcePage,
    Version,
)
from appliance.foundation import InvalidInput
from appliance.identity import EVERYONE, People, Principal
from appliance.library import CollectionInfo, DocumentInfo, PassageView, VersionInfo
from appliance.parsing import Block


class Renderer:
    """Builds replies."""

    def __init__(self, people: People, service: DocumentService) -> None:
        self._people = people
        self._service = service

    async def collections(self, caller: Principal, infos: Sequence[CollectionInfo]) -> list[Collection]:
        ids = {UUID(r.partition(":")[2]) for info in infos for r in info.readers if r != EVERYONE}
        names = await self._people.names(ids | {info.owner_id for info in infos})
        return [
            Collection(
                id=info.id,
                name=info.name,
                description=info.description,
                owner=Owner(id=info.owner_id, name=names.get(info.owner_id, "")),
                readers=[_reader(r, names) for r in sorted(info.readers)],
                can_write=self._service.may_write(caller, info),
                counts=Counts(
                    total=info.counts.total,
                    indexed=info.counts.indexed,
                    partial=info.counts.partial,
                    refused=info.counts.refused,
                    processing=info.counts.processing,
                ),
                embedding_model=info.profile.model_id,
            )
            for info in infos
        ]

    async def reader_names(self, readers: Iterable[Reader]) -> list[str]:
        """Principals' names of readers that exist. Raises InvalidInput."""
        wanted = list(readers)
        known = await self._people.names({r.id for r in wanted if r.id is not None})
        names = []
        for reader in wanted:
            if reader.kind == "everyone":
                names.append(EVERYONE)
                continue
            if reader.id is None or reader.id not in known:
                raise InvalidInput(
                    f"There is no such {reader.kind}.", remedy="Take the id from /api/users or /api/groups."
                )
            names.append(f"{reader.kind}:{reader.id}")
        return names

    def document(self, info: DocumentInfo) -> Document:
        latest = info.latest
        return Document(
            id=info.id,
            collection_id=info.collection_id,
            name=info.name,
            path=info.path,
            media_type=latest.media_type,
            state=latest.state,
            reason=latest.reason,
            stage=latest.stage,
            percent=latest.percent,
            version_number=latest.number,
            page_count=latest.page_count,
            passage_count=latest.passage_count,
            size_bytes=latest.size_bytes,
            updated_at=info.updated_at,
        )

    def passage(self, view: PassageView, document: DocumentInfo) -> PassageReply:
        passage = view.passage
        return PassageReply(
            id=passage.id,
            text=passage.text,
            page=passage.page,
            page_end=passage.page_end,
            heading_path=list(passage.heading_path),
            boxes=list(view.boxes),
            document=self.document(document),
            collection=PassageCollection(id=passage.collection_id, name=passage.collection_name),
            version_number=passage.version_number,
            is_current=view.is_current,
        )


def version_reply(version: VersionInfo) -> Version:
    return Version(
        number=version.number,
        state=version.state,
        created_at=version.created_at,
        size_bytes=version.size_bytes,
        sha256=version.sha256,
        passage_count=version.passage_count,
    )


def page_reply(document_id: UUID, page: int, version: VersionInfo, blocks: Sequence[Block]) -> SourcePage:
    return SourcePage(
        document_id=document_id,
        version_number=version.number,
        page=page,
        page_count=max(1, version.page_count),
        blocks=[_block(b) for b in blocks],
        has_image=has_page_image(version),
    )


def _block(block: Block) -> PageBlock:
    box = None if block.box is None else (block.box.left, block.box.top, block.box.right, block.box.bottom)
    return PageBlock(kind=block.kind, text=block.text, heading_path=list(block.heading_path), box=box)


def _reader(principal: str, names: dict[UUID, str]) -> Reader:
    if principal == EVERYONE:
        return Reader(kind="everyone")
    kind, _, key = principal.partition(":")
    reader_id = UUID(key)
    return Reader(kind="group" if kind == "group" else "user", id=reader_id, name=names.get(reader_id))

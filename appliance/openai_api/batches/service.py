"""What a program does with batches."""

from appliance.identity import Principal
from appliance.openai_api.batches.errors import BadBatchInput
from appliance.openai_api.batches.repository import BatchRepository
from appliance.openai_api.batches.runner import BatchRunner
from appliance.openai_api.batches.settings import BatchSettings
from appliance.openai_api.batches.values import BatchInfo, NewBatch
from appliance.openai_api.batches.wire import BatchCreate
from appliance.openai_api.files.repository import FileRepository
from appliance.openai_api.ids import read_id
from appliance.storage import FileStore, Page, PageAsk


class Batches:
    """Make, list, read and cancel, each within the caller's own batches."""

    def __init__(
        self,
        repository: BatchRepository,
        uploads: FileRepository,
        store: FileStore,
        runner: BatchRunner,
        settings: BatchSettings,
    ) -> None:
        self._repository = repository
        self._uploads = uploads
        self._store = store
        self._runner = runner
        self._settings = settings

    async def start(self) -> None:
        await self._runner.start()

    async def stop(self) -> None:
        await self._runner.stop()

    async def create(self, caller: Principal, asked: BatchCreate) -> BatchInfo:
        """From the reply on, no crash loses it. Raises NoSuchFile, BadBatchInput."""
        key = read_id("file", asked.input_file_id)
        async with self._store.hold():  # so that the bytes are there when the batch refers to them
            file = await self._uploads.get(caller.holder(), key)
            if file.purpose != "batch":
                raise BadBatchInput(f"The file's purpose is '{file.purpose}', not 'batch'.")
            if file.size_bytes > self._settings.max_file_bytes:
                raise BadBatchInput(f"The file is larger than {self._settings.max_file_bytes} bytes.")
            new = NewBatch(
                owner_id=caller.user_id,
                key_id=caller.key_id,
                endpoint=asked.endpoint,
                input_file_id=file.id,
                input_sha256=file.sha256,
                labels=asked.metadata or {},
                output_expires_after_s=asked.output_expires_after.seconds if asked.output_expires_after else None,
            )
            made = await self._repository.add(new)
        self._runner.wake()
        return made

    async def get(self, caller: Principal, batch_id: str) -> BatchInfo:
        """Raises NoSuchBatch."""
        return await self._repository.get(caller.holder(), read_id("batch", batch_id))

    async def page(self, caller: Principal, ask: PageAsk) -> Page[BatchInfo]:
        return await self._repository.page(caller.holder(), ask)

    async def cancel(self, caller: Principal, batch_id: str) -> BatchInfo:
        """Raises NoSuchBatch, BatchEnded."""
        cancelled = await self._repository.cancel(caller.holder(), read_id("batch", batch_id))
        self._runner.wake()
        return cancelled

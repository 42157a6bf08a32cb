"""The parts of vector stores, put together."""

from litestar.types import ControllerRouterHandler

from appliance.documents import DocumentService
from appliance.foundation import Clock
from appliance.inference import Engines
from appliance.library import Members
from appliance.openai_api.files.repository import FileRepository
from appliance.openai_api.vector_stores.batches import FileBatches
from appliance.openai_api.vector_stores.file_routes import FileBatchesController, StoreFilesController
from appliance.openai_api.vector_stores.files import VectorStoreFiles
from appliance.openai_api.vector_stores.repository import VectorStoreRepository
from appliance.openai_api.vector_stores.routes import VectorStoresController
from appliance.openai_api.vector_stores.search import VectorStoreSearch
from appliance.openai_api.vector_stores.service import VectorStores
from appliance.retrieval import Retrieval
from appliance.storage import Database


class VectorStoreParts:
    """Stores, their files, batches of these, and the search."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        uploads: FileRepository,
        engines: Engines,
        documents: DocumentService,
        retrieval: Retrieval,
    ) -> None:
        members, notes = Members(database), VectorStoreRepository(database, clock)
        self.stores = VectorStores(documents, notes, engines, clock)
        self.files = VectorStoreFiles(documents, members, uploads)
        self.batches = FileBatches(documents, members, self.files, notes)
        self.search = VectorStoreSearch(self.stores, retrieval, members)

    def routes(self) -> list[ControllerRouterHandler]:
        return [VectorStoresController, StoreFilesController, FileBatchesController]

    def dependencies(self) -> dict[str, object]:
        """What the routes take by these names."""
        return {
            "vector_stores": self.stores,
            "store_files": self.files,
            "file_batches": self.batches,
            "store_search": self.search,
        }

"""All tables of all rooms: importing their models registers them on one metadata."""

from sqlalchemy import MetaData

from appliance.audit import models as audit
from appliance.chat import models as chat
from appliance.chat.break_glass import models as break_glass
from appliance.identity import models as identity
from appliance.inference import models as inference
from appliance.library import models as library
from appliance.migrations import models as migrations
from appliance.openai_api.batches import models as batches
from appliance.openai_api.files import models as files
from appliance.openai_api.responses import models as responses
from appliance.openai_api.vector_stores import models as vector_stores
from appliance.storage import Base
from appliance.usage import models as usage

ROOMS_WITH_TABLES = (
    audit,
    break_glass,
    chat,
    identity,
    inference,
    library,
    migrations,
    batches,
    files,
    responses,
    vector_stores,
    usage,
)
METADATA: MetaData = Base.metadata

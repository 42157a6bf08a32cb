"""All tables of all rooms: importing their models registers them on one metadata."""

from sqlalchemy import MetaData

from appliance.chat import models as chat
from appliance.identity import models as identity
from appliance.library import models as library
from appliance.openai_api.files import models as files
from appliance.storage import Base

ROOMS_WITH_TABLES = (chat, identity, library, files)
METADATA: MetaData = Base.metadata

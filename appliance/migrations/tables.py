"""All tables of all rooms: importing their models registers them on one metadata."""

from sqlalchemy import MetaData

from appliance.chat import models as chat
from appliance.identity import models as identity
from appliance.library import models as library
from appliance.storage import Base

ROOMS_WITH_TABLES = (chat, identity, library)
METADATA: MetaData = Base.metadata

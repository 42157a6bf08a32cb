"""What brings content into a bundle, one module per kind. Each keeps in the cache what it fetched."""

from appliance.bundle.parts.folders import Folder
from appliance.bundle.parts.models import ModelFolder
from appliance.bundle.parts.packages import DebianPackages
from appliance.bundle.parts.tarballs import Tarball
from appliance.bundle.parts.wheels import Wheels

__all__ = ["DebianPackages", "Folder", "ModelFolder", "Tarball", "Wheels"]

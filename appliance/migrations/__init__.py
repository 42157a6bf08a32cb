"""The schema's history. Sees every room's tables, is seen by none."""

from appliance.migrations.run import migrate

__all__ = ["migrate"]

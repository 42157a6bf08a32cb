"""The schema's history. Sees every room's tables, is seen by none.

A release may add to the schema at any time: the release before it goes on working, and may come back. A migration that
takes something away says `contracts = True`, and belongs into the release after the one that has stopped using it.
"""

from appliance.migrations.run import MigrationPlan, SchemaAhead, Step, migrate, plan

__all__ = ["MigrationPlan", "SchemaAhead", "Step", "migrate", "plan"]

"""What a served model can do, measured: through the same services that programs call, not past them.

1. `checks.py` has one short check per ability; each asks, and says what was wrong.
2. `service.py` runs those of a model's task, one after the other, and keeps the result with date and engine version.
3. `GET /v1/models` and `/api/models` show it. A model that nobody checked shows nothing.
"""

"""The Private Model Appliance: a firm's own chat, API and document search on its own machines.

Rooms and the arrows between them are drawn in `docs/architecture.md` and checked by import contracts.
"""

"""The web UI's conversations, and the plain question and search calls beside them.

A turn is written by a task of its own and kept as it ends; readers follow it through `LiveTurn` and may come back after
a reload. When nobody has read for `desertion_grace_s`, the engine is stopped and what was written is kept.

Rule: every query names the owner. A foreign conversation, turn or stream does not exist, but under a broken glass
(`break_glass`).
"""

from appliance.chat.break_glass import BreakGlass, BreakGlassController, NoticesController
from appliance.chat.repository import ConversationRepository
from appliance.chat.routes import AskController, ConversationController
from appliance.chat.service import ChatService, ChatSettings

__all__ = [
    "AskController",
    "BreakGlass",
    "BreakGlassController",
    "ChatService",
    "ChatSettings",
    "ConversationController",
    "ConversationRepository",
    "NoticesController",
]

"""One endpoint: `messages`, in the shapes of Anthropic's Messages API, over our own chat completions.

1. `translate.py` makes a chat request of system, messages and tools.
2. `machine.py` tells the chat chunks as events; the message is what they add up to.
3. `hot.py` of this room's door sends them; errors on these paths are in Anthropic's shape (`edge`).

Nothing is kept.
"""

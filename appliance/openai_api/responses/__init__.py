"""One endpoint: `responses`. State, tools and typed events over our own chat completions.

1. `translate.py` makes a chat request of the input and of the stored items of the chain before it.
2. `search.py` looks into the caller's vector stores, when asked, and puts what it found into the prompt.
3. `machine.py` tells the chat chunks as events; the response is what they add up to.
4. `repository.py` keeps it for its owner, until it is deleted or its time is over.

Rule: nothing is kept with `store: false`, and nobody but the owner finds a response.
"""

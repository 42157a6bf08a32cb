"""Our own HTTP/1.1 client, for engines over plain http (loopback or a private network). Decision 0018.

1. `address.py` reads the base URL, `request.py` writes the head of a request and lets nothing through that splits it.
2. `transport.py` connects, asks, and asks once more when a waiting connection turned out to be closed; `pool.py` keeps
   the connections, and one slow timer for all their time-outs.
3. `connection.py` is the socket, `exchange.py` one request and its reply.

Rule: a reply is whole or it is an error. A connection carries another request only when the last one was sent to its
end, answered to its end, and nothing came after it.
"""

from appliance.inference.http1.address import Address, UnusableAddress
from appliance.inference.http1.errors import BrokeOff, NoReply, NotSent, Silent, UnsafeRequest
from appliance.inference.http1.exchange import Exchange
from appliance.inference.http1.pool import Limits
from appliance.inference.http1.transport import Transport

__all__ = [
    "Address",
    "BrokeOff",
    "Exchange",
    "Limits",
    "NoReply",
    "NotSent",
    "Silent",
    "Transport",
    "UnsafeRequest",
    "UnusableAddress",
]

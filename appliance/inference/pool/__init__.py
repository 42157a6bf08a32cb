"""The replicas of a model: which one takes a request, which one is out, who waits.

request → `admission.py` (a slot, by lane, or a place in line) → `policy.py` (which replica) → `dispatch.py` (first
byte, or another replica, as `retry.py` says) → bytes pass → the slot is free.

Beside it: `watchdog.py` asks silent replicas for one token; `breaker.py` keeps requests from those that fail.

`policy`, `lanes`, `retry` and `breaker` are pure functions over plain values; time and chance are handed in.

Rule: a slot is held by a `Lease`, and whoever holds one frees it on every way out.
"""

from appliance.inference.pool.admission import PoolRules
from appliance.inference.pool.dispatch import RoutedReply, with_model
from appliance.inference.pool.model_pool import ModelPool
from appliance.inference.pool.pooled import PooledTransport
from appliance.inference.pool.replica import Backend
from appliance.inference.pool.watchdog import WatchRules
from appliance.inference.pool.watcher import NoWatcher, Watcher

__all__ = [
    "Backend",
    "ModelPool",
    "NoWatcher",
    "PoolRules",
    "PooledTransport",
    "RoutedReply",
    "WatchRules",
    "Watcher",
    "with_model",
]

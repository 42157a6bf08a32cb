"""Bodies with which each call would succeed, so that nothing but the caller's rights decides."""

from typing import Any

from tests.campaigns.matrix_objects import Ids, Objects
from tests.campaigns.matrix_policy import Line
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, JUDGE_MODEL
from tests.support.inside import Body

QUESTION = [{"role": "user", "content": "Hello"}]
FIXED: dict[str, Any] = {
    "POST /api/me/password": {"current": "not this one at all", "new": "correct horse battery staple"},
    "PATCH /api/users/{}": {"name": "Another name"},
    "POST /api/keys": {"name": "matrix", "expires_in_days": 1},
    "POST /api/keys/{}/rotate": {"overlap_hours": 0},
    "PATCH /api/service-accounts/{}": {"disabled": False},
    "POST /api/service-accounts/{}/keys": {"name": "matrix", "expires_in_days": 1},
    "POST /api/service-accounts/{}/keys/{}/rotate": {"overlap_hours": 0},
    "PUT /api/limits/{}": {"requests_per_minute": 1000},
    "PATCH /api/collections/{}": {"description": "Changed"},
    "POST /api/search": {"query": "travel"},
    "POST /api/ask": {"question": "Hello", "assistant_id": "assistant"},
    "POST /api/conversations": {},
    "PATCH /api/conversations/{}": {"title": "Another title"},
    "POST /api/conversations/{}/turns": {"question": "Hello", "assistant_id": "assistant"},
    "POST /api/audit/accept": {"reason": "A test of every route."},
    "POST /v1/chat/completions": {"model": CHAT_MODEL, "messages": QUESTION, "max_tokens": 2},
    "POST /v1/completions": {"model": CHAT_MODEL, "prompt": "Hello", "max_tokens": 2},
    "POST /v1/responses": {"model": CHAT_MODEL, "input": "Hello", "store": False},
    "POST /v1/responses/input_tokens": {"model": CHAT_MODEL, "input": "Hello"},
    "POST /v1/messages": {"model": CHAT_MODEL, "messages": QUESTION, "max_tokens": 2},
    "POST /v1/messages/count_tokens": {"model": CHAT_MODEL, "messages": QUESTION},
    "POST /v1/embeddings": {"model": EMBED_MODEL, "input": "Hello"},
    "POST /v1/rerank": {"model": JUDGE_MODEL, "query": "Hello", "documents": ["a", "b"]},
    "POST /v1/score": {"model": JUDGE_MODEL, "queries": "Hello", "documents": ["a", "b"]},
    "POST /v1/images/generations": {"model": "painter", "prompt": "A boat"},
    "POST /v1/batches": {
        "input_file_id": "file-0000",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    },
    "POST /v1/vector_stores/{}": {"metadata": {"a": "b"}},
    "POST /v1/vector_stores/{}/search": {"query": "travel"},
    "POST /v1/vector_stores/{}/files": {"file_id": "file-0000"},
    "POST /v1/vector_stores/{}/files/{}": {"attributes": {"a": "b"}},
    "POST /v1/vector_stores/{}/file_batches": {"file_ids": ["file-0000"]},
}
QUERIES = {
    "POST /api/engines/{}/drain": "?replica=no-such-replica",
    "POST /api/engines/{}/undrain": "?replica=no-such-replica",
    "GET /api/access/explain": "?collection={0}",
    "GET /api/access/view": "?user={user}",
}


class Bodies:
    """What a call sends. Names are new each time, where two must not be the same."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def of(self, line: Line, ids: Ids) -> tuple[str, Body | None]:
        """Query and body."""
        if line.path.endswith("/documents") and line.method == "POST":
            return "", Body.form(b"A short text.", "a.txt", path=f"{self._objects.number()}.txt")
        if line.call == "POST /v1/files":
            return "", Body.form(b"{}", "a.jsonl", purpose="user_data")
        if line.call == "POST /v1/audio/transcriptions":
            return "", Body.form(b"no sound", "a.wav", model="whisper-large-v3-turbo")
        return QUERIES.get(line.call, "").format(*ids, user=self._objects.dummy), Body.of(
            self._made(line.call) or FIXED.get(line.call)
        )

    def _made(self, call: str) -> dict[str, Any] | None:
        number = self._objects.number()
        made: dict[str, dict[str, Any]] = {
            "POST /auth/login": {"email": f"nobody-{number}@matrix.test", "password": "wrong"},
            "POST /api/users": {"email": f"made-{number}@matrix.test", "name": "made"},
            "PUT /api/users/{}/identity": {"issuer": "https://idp.test", "subject": f"s{number}"},
            "POST /api/groups": {"name": f"made {number}"},
            "POST /api/service-accounts": {
                "name": f"made {number}",
                "owner": {"kind": "user", "id": str(self._objects.stranger.id)},
            },
            "POST /api/break-glass": {"person_id": str(self._objects.dummy), "reason": "A test of every route."},
            "POST /api/access/search": {"user": str(self._objects.dummy), "query": "travel"},
            "POST /api/collections": {"name": f"made {number}"},
            "POST /v1/vector_stores": {"name": f"made {number}"},
        }
        return made.get(call)

"""Whether the engine does its work: it is asked its known question, and only the right answer counts. Its health page
says yes long before, and also when it answers garbage. `PROBE` in the environment says what to ask.

usage: engine_ready.py [port]
"""

import json
import os
import sys
import urllib.request

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8101
TIMEOUT_S = 55


def ask(path: str, body: dict) -> dict:
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}",
        json.dumps(body).encode() if body else None,
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
        return json.load(reply)


def right(probe: dict) -> bool:
    model, task = probe["model"], probe["task"]
    if task == "chat" and "chat" in probe:
        known = probe["chat"]
        messages = [{"role": "user", "content": known["prompt"]}]
        limit = known.get("max_tokens", 24)
        body = {"model": model, "messages": messages, "max_tokens": limit, "temperature": 0}
        said = ask("/v1/chat/completions", body)["choices"][0]["message"]
        return known["contains"].lower() in (said.get("content") or "").lower()
    if task == "embed" and "embed" in probe:
        known = probe["embed"]
        texts = [known["text"], known["near"], known["far"]]
        rows = sorted(ask("/v1/embeddings", {"model": model, "input": texts})["data"], key=lambda r: r["index"])
        text, near, far = (row["embedding"] for row in rows)
        return sum(a * b for a, b in zip(text, near, strict=True)) > sum(a * b for a, b in zip(text, far, strict=True))
    if task == "rerank" and "rerank" in probe:
        known = probe["rerank"]
        body = {"model": model, "query": known["query"], "documents": [known["relevant"], known["irrelevant"]]}
        scores = {row["index"]: row["relevance_score"] for row in ask("/v1/rerank", body)["results"]}
        return scores[0] > scores[1]
    return model in [row["id"] for row in ask("/v1/models", {})["data"]]


sys.exit(0 if right(json.loads(os.environ["PROBE"])) else "wrong answer to the known question")

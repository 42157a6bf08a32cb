"""A stand-in for the appliance, for looking at the web UI without one: it speaks docs/reference/http-api.md.

    python mock/server.py 8099      serves ../dist and answers /api with made-up data, kept in memory

For development only; nothing of it is shipped. Any password but "wrong" is accepted.
"""

import json
import sys
import threading
import time
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from data import State

dist = Path(__file__).resolve().parent.parent / "dist"
types = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
policy = "default-src 'self'; style-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'"


class Handler(BaseHTTPRequestHandler):
    """Routes by splitting the path; every branch mirrors one row of the reference."""

    protocol_version = "HTTP/1.1"
    state = State()

    def log_message(self, *args):
        """Quiet."""

    def answer(self, value, status=200, headers=()):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, code, message, remedy=""):
        self.answer({"error": {"code": code, "message": message, "remedy": remedy, "request_id": "mock"}}, status)

    def body(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Type", "").startswith("multipart/"):
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            parts = BytesParser(policy=HTTP).parsebytes(head + raw).iter_parts()
            return {p.get_param("name", header="content-disposition"): p.get_payload(decode=True) for p in parts}
        return json.loads(raw) if raw else {}

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

        def send(name, data):
            self.wfile.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
            self.wfile.flush()

        return send

    def do_GET(self):
        self.route()

    def do_POST(self):
        self.route()

    do_PUT = do_PATCH = do_DELETE = do_POST

    def route(self):
        url = urlsplit(self.path)
        parts = [part for part in url.path.split("/") if part]
        if not parts or parts[0] not in {"api", "auth"}:
            return self.file(url.path)
        if self.command != "GET" and self.headers.get("X-Requested-With") != "appliance":
            return self.refuse(403, "csrf", "The header X-Requested-With is missing.")
        body = self.body() if self.command != "GET" else {}
        if parts[:2] == ["auth", "login"]:
            if body["password"] == "wrong":
                return self.refuse(401, "bad_credentials", "E-mail or password is wrong.")
            return self.answer(self.state.me, headers=[("Set-Cookie", "session=mock; HttpOnly; Path=/; SameSite=Lax")])
        if "session=mock" not in self.headers.get("Cookie", ""):
            return self.refuse(401, "not_logged_in", "Nobody is logged in.", "Log in.")
        if parts[:2] == ["auth", "logout"]:
            return self.answer(None, 204, [("Set-Cookie", "session=; Max-Age=0; Path=/")])
        method = getattr(self, f"api_{parts[1]}", None)
        if not method:
            return self.refuse(404, "not_found", "Not found.")
        return method(parts[2:], body, {k: v[0] for k, v in parse_qs(url.query).items()})

    def file(self, path):
        target = (dist / path.lstrip("/")).resolve()
        if not target.is_file() or not target.is_relative_to(dist):
            target = dist / "index.html"
        data = target.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", types.get(target.suffix, "application/octet-stream"))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def api_me(self, rest, body, query):
        self.answer(None, 204) if rest else self.answer(self.state.me)

    def api_models(self, rest, body, query):
        self.answer(self.state.models)

    def api_assistants(self, rest, body, query):
        self.answer(self.state.assistants)

    def api_users(self, rest, body, query):
        if self.command == "GET":
            return self.answer(self.state.users)
        return self.answer(self.state.user(rest, body))

    def api_groups(self, rest, body, query):
        if self.command == "GET":
            return self.answer(self.state.groups)
        if len(rest) > 1:
            return self.answer(None, 204)
        group = {"id": self.state.new_id(), "name": body["name"], "member_count": 0}
        self.state.groups.append(group)
        return self.answer(group)

    def api_keys(self, rest, body, query):
        if self.command == "DELETE":
            self.state.keys[:] = [key for key in self.state.keys if key["id"] != rest[0]]
            return self.answer(None, 204)
        return self.answer(self.state.keys if self.command == "GET" else self.state.key(body))

    def api_collections(self, rest, body, query):
        state = self.state
        if not rest:
            return self.answer(state.list_collections() if self.command == "GET" else state.collection(body))
        found = state.collections.get(rest[0])
        if not found:
            return self.refuse(404, "not_found", "Not found.")
        if rest[1:] == ["progress"]:
            return self.progress(rest[0])
        if rest[1:] == ["documents"] and self.command == "POST":
            return self.answer({"document": state.upload(rest[0], body), "outcome": "queued"})
        if rest[1:] == ["documents"]:
            items = state.documents_of(rest[0])
            start = int(query["offset"])
            return self.answer({"total": len(items), "items": items[start : start + int(query["limit"])]})
        if self.command == "DELETE":
            del state.collections[rest[0]]
            return self.answer(None, 204)
        found.update(body)
        return self.answer(state.with_counts(found))

    def progress(self, collection_id):
        send = self.stream()
        for _ in range(600):
            changed = self.state.work(collection_id)
            for document in changed:
                send("document", document)
            if not changed:
                send("idle", {})
            time.sleep(0.4)

    def api_documents(self, rest, body, query):
        document = self.state.documents.get(rest[0])
        if not document:
            return self.refuse(404, "not_found", "Not found.")
        if self.command == "DELETE":
            del self.state.documents[rest[0]]
            return self.answer(None, 204)
        if len(rest) == 4:
            return self.image(int(rest[2]))
        if len(rest) == 3:
            return self.answer(self.state.page(document, int(rest[2])))
        return self.answer(self.state.detail(document))

    def image(self, page):
        data = self.state.page_image(page)
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def api_passages(self, rest, body, query):
        self.answer(self.state.passage(rest[0]))

    def api_conversations(self, rest, body, query):
        state = self.state
        if not rest:
            return self.answer(state.list_conversations() if self.command == "GET" else state.conversation())
        found = state.conversations.get(rest[0])
        if not found:
            return self.refuse(404, "not_found", "Not found.")
        if rest[1:] == ["turns"]:
            return self.turn(found, body)
        if rest[-1] == "stop":
            state.stopped.add(rest[2])
            return self.answer(None, 204)
        if self.command == "DELETE":
            del state.conversations[rest[0]]
            return self.answer(None, 204)
        if self.command == "PATCH":
            found["title"] = body["title"]
        return self.answer(found)

    def turn(self, conversation, body):
        if "busy" in body["question"]:
            return self.refuse(503, "engine_busy", "The engine is restarting, about 40 s.", "Your question is kept.")
        turn, script = self.state.turn(conversation, body)
        send = self.stream()
        reading = [True]
        lock = threading.Lock()

        def tell(name, data):
            with lock:
                if reading[0]:
                    try:
                        send(name, data)
                    except OSError:
                        reading[0] = False

        tell("turn", {"id": turn["id"], "conversation_id": conversation["id"]})
        for pause, name, data in script:
            time.sleep(pause)
            if turn["id"] in self.state.stopped:
                turn["state"] = "stopped"
                return None
            self.state.record(turn, name, data)
            tell(name, data)
        return None


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8099
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()

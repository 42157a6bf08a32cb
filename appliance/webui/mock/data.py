"""Made-up data and the few rules that make it move; see server.py."""

import io
import re
import uuid
from datetime import UTC, datetime, timedelta

from PIL import Image, ImageDraw

from scripts import answer_script, page_lines


def now(minus_hours=0.0):
    return (datetime.now(UTC) - timedelta(hours=minus_hours)).isoformat().replace("+00:00", "Z")


class State:
    def __init__(self):
        self.me = {
            "id": self.new_id(),
            "email": "aiko@example.test",
            "name": "Aiko Tanaka",
            "roles": ["user", "administrator"],
            "groups": [],
            "must_change_password": False,
        }
        self.groups = [
            {"id": self.new_id(), "name": name, "member_count": count} for name, count in (("Finance", 4), ("Legal", 2))
        ]
        self.users = [
            {**self.me, "disabled": False, "created_at": now(900), "groups": self.groups[:1]},
            {
                "id": self.new_id(),
                "email": "ben@example.test",
                "name": "Ben Carter",
                "roles": ["user"],
                "groups": self.groups[:1],
                "disabled": False,
                "created_at": now(500),
            },
        ]
        self.keys = [
            {
                "id": self.new_id(),
                "name": "reporting script",
                "prefix": "pma_7Kq2",
                "created_at": now(90),
                "expires_at": now(-2000),
                "last_used_at": now(2),
            }
        ]
        self.models = [
            {
                "id": "smollm2-135m-instruct",
                "task": "chat",
                "state": "ready",
                "ready": True,
                "detail": "",
                "context_tokens": 8192,
                "licence": "Apache-2.0",
                "parameters_billion": 0.135,
                "languages": ["en"],
            },
            {
                "id": "multilingual-e5-small",
                "task": "embedding",
                "state": "restarting",
                "ready": False,
                "detail": "The engine ended with code 137. Next start in 8 s.",
                "context_tokens": 512,
                "licence": "MIT",
                "parameters_billion": 0.118,
                "languages": ["en", "ja", "zh"],
            },
        ]
        self.assistants = [
            {
                "id": "documents",
                "name": "Company documents",
                "description": "Answers from the collections you may read, with the page it comes from.",
                "model_id": "smollm2-135m-instruct",
                "kind": "documents",
                "starters": [
                    "How many days of leave do I have?",
                    "Who approves travel over 2,000 euros?",
                    "What does the warranty of the P-200 pump cover?",
                    "経費の精算はいつまでですか?",
                ],
            },
            {
                "id": "chat",
                "name": "Plain chat",
                "description": "Talks to the model alone.",
                "model_id": "smollm2-135m-instruct",
                "kind": "chat",
                "starters": [],
            },
        ]
        self.collections = {}
        self.documents = {}
        self.conversations = {}
        self.stopped = set()
        self._seed()

    @staticmethod
    def new_id():
        return str(uuid.uuid4())

    def _seed(self):
        for name, text in (
            ("Handbook", "Rules for everybody, English and Japanese"),
            ("Products", "Manuals and data sheets"),
        ):
            self.collection({"name": name, "description": text, "readers": [{"kind": "everyone"}]})
        first, second = self.collections
        rows = [
            ("Employee handbook 2026.pdf", "indexed", None, 12),
            ("旅費規程.docx", "indexed", None, 6),
            ("Budget.xlsx", "partial", "2 of 9 sheets are pictures and could not be read.", 7),
            ("old-scan.pdf", "refused", "The file is encrypted. Remove its password and upload it again.", None),
        ]
        for name, state, reason, pages in rows:
            self.document(first, name, state, reason, pages)
        self.document(second, "P-200 manual.pdf", "indexed", None, 40)
        for hours, title in (
            (0.2, "Leave in the first year"),
            (3, "Warranty of the P-200"),
            (26, "出張の日当について"),
            (27, "Summary of the travel policy for managers and their teams"),
            (80, "Parking"),
        ):
            made = self.conversation()
            made.update(title=title, updated_at=now(hours))
        talk = next(iter(self.conversations.values()))
        for question in ("How many days of leave do I have in the first year?", "What does the warranty not cover?"):
            turn, script = self.turn(talk, {"question": question, "assistant_id": "documents"})
            for _, name, data in script:
                self.record(turn, name, data)
        talk["title"] = "Leave in the first year"

    def collection(self, body):
        made = {
            "id": self.new_id(),
            "name": body["name"],
            "description": body.get("description", ""),
            "owner": {"id": self.me["id"], "name": self.me["name"]},
            "readers": body.get("readers", []),
            "can_write": True,
            "embedding_model": "multilingual-e5-small",
        }
        self.collections[made["id"]] = made
        return self.with_counts(made)

    def with_counts(self, collection):
        states = [d["state"] for d in self.documents_of(collection["id"])]
        counts = {s: states.count(s) for s in ("indexed", "partial", "refused")}
        return {
            **collection,
            "counts": {
                "total": len(states),
                **counts,
                "processing": states.count("queued") + states.count("processing"),
            },
        }

    def list_collections(self):
        return [self.with_counts(c) for c in self.collections.values()]

    def documents_of(self, collection_id):
        return [d for d in self.documents.values() if d["collection_id"] == collection_id]

    def document(self, collection_id, name, state, reason=None, pages=None):
        made = {
            "id": self.new_id(),
            "collection_id": collection_id,
            "name": name.rsplit("/", 1)[-1],
            "path": name,
            "media_type": "application/pdf",
            "state": state,
            "reason": reason or "",
            "stage": "",
            "percent": 0,
            "version_number": 1,
            "page_count": pages or 0,
            "passage_count": (pages or 0) * 3,
            "size_bytes": 48_213 * (pages or 1),
            "updated_at": now(1),
        }
        self.documents[made["id"]] = made
        return made

    def upload(self, collection_id, body):
        path = body["path"]
        return self.document(collection_id, path if isinstance(path, str) else path.decode(), "queued")

    def work(self, collection_id):
        changed = []
        for document in self.documents_of(collection_id):
            if document["state"] == "queued":
                document.update(state="processing", stage="parsing", percent=0)
            elif document["state"] == "processing":
                document["percent"] += 20
                if document["percent"] >= 100:
                    document.update(state="indexed", stage="", percent=100, page_count=3, passage_count=9)
            else:
                continue
            changed.append(document)
        return changed[:8]

    def detail(self, document):
        version = {
            "number": 1,
            "state": document["state"],
            "created_at": document["updated_at"],
            "size_bytes": document["size_bytes"],
            "sha256": "3f" * 32,
            "passage_count": document["passage_count"],
        }
        return {**document, "versions": [version]}

    def page(self, document, page):
        lines = page_lines(page)
        blocks = [
            {
                "kind": "heading" if i == 0 else "paragraph",
                "text": text,
                "heading_path": lines[:1],
                "box": [0.1, 0.1 + 0.12 * i, 0.9, 0.19 + 0.12 * i],
            }
            for i, text in enumerate(lines)
        ]
        return {
            "document_id": document["id"],
            "version_number": 1,
            "page": page,
            "page_count": document["page_count"] or 1,
            "blocks": blocks,
            "has_image": document["name"].endswith("handbook 2026.pdf"),
        }

    def page_image(self, page):
        image = Image.new("RGB", (900, 1200), "white")
        draw = ImageDraw.Draw(image)
        for i, text in enumerate(page_lines(page)):
            draw.text((95, 125 + 144 * i), "\n".join(re.findall(r".{1,60}(?:\s|$)", text)), fill="black", font_size=24)
        out = io.BytesIO()
        image.save(out, "PNG")
        return out.getvalue()

    def passage(self, passage_id):
        document = next(d for d in self.documents.values() if passage_id in self.passage_ids(d))
        page = 3 + self.passage_ids(document).index(passage_id)
        collection = self.collections[document["collection_id"]]
        lines = page_lines(page)
        return {
            "id": passage_id,
            "text": "\n".join(lines[1:3]),
            "page": page,
            "page_end": page,
            "heading_path": lines[:1],
            "boxes": [[page, [0.1, 0.22, 0.9, 0.31]], [page, [0.1, 0.34, 0.9, 0.43]]],
            "document": document,
            "collection": {"id": collection["id"], "name": collection["name"]},
            "version_number": 1,
            "is_current": page == 3,
        }

    @staticmethod
    def passage_ids(document):
        return [str(uuid.uuid5(uuid.NAMESPACE_URL, document["id"] + str(n))) for n in range(2)]

    def citations(self):
        readable = [d for d in self.documents.values() if d["state"] == "indexed" and d["page_count"]][:2]
        return [
            {
                "number": n + 1,
                "passage_id": self.passage_ids(d)[n],
                "document_id": d["id"],
                "version_number": 1,
                "document_name": d["name"],
                "collection_id": d["collection_id"],
                "collection_name": self.collections[d["collection_id"]]["name"],
                "page": 3 + n,
                "heading_path": page_lines(3 + n)[:1],
                "quote": page_lines(3 + n)[1],
            }
            for n, d in enumerate(readable)
        ]

    def conversation(self):
        made = {"id": self.new_id(), "title": "", "updated_at": now(), "turns": []}
        self.conversations[made["id"]] = made
        return made

    def list_conversations(self):
        rows = [{k: c[k] for k in ("id", "title", "updated_at")} for c in self.conversations.values()]
        return sorted(rows, key=lambda c: c["updated_at"], reverse=True)

    def turn(self, conversation, body):
        turn = {
            "id": self.new_id(),
            "question": body["question"],
            "answer": "",
            "state": "running",
            "grounding": "",
            "citations": [],
            "searched": [],
            "assistant_id": body.get("assistant_id"),
            "created_at": now(),
        }
        conversation["turns"].append(turn)
        conversation.update(updated_at=now(), title=conversation["title"] or body["question"][:60])
        names = [c["name"] for c in self.collections.values()]
        return turn, answer_script(body["question"], self.citations(), names)

    @staticmethod
    def record(turn, name, data):
        if name == "token":
            turn["answer"] += data["text"]
        if name == "finished":
            turn.update(
                answer=data["text"], state="finished", **{k: data[k] for k in ("grounding", "citations", "searched")}
            )
        if name == "failed":
            turn.update(state="failed", error={"code": data["code"], "message": data["message"]})

    def user(self, rest, body):
        if rest:
            found = next(u for u in self.users if u["id"] == rest[0])
            found.update({k: v for k, v in body.items() if k != "password"})
            return found
        made = {"id": self.new_id(), "groups": [], "disabled": False, "created_at": now(), **body}
        self.users.append(made)
        return {**made, "password": "plum-otter-47-lamp"}

    def key(self, body):
        made = {
            "id": self.new_id(),
            "name": body["name"],
            "prefix": "pma_x9Lm",
            "created_at": now(),
            "expires_at": now(-24 * body["expires_in_days"]),
            "last_used_at": None,
        }
        self.keys.append(made)
        return {**made, "key": "pma_x9Lm" + "4tQz" * 8}

"""E-mail: headers, body, and attachments read like files of their own."""

import os
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path

from appliance.parsing.build import BlockBuilder
from appliance.parsing.decoding import decode
from appliance.parsing.errors import DocumentRefused
from appliance.parsing.formats.html import add_html
from appliance.parsing.formats.text import add_paragraphs
from appliance.parsing.limits import MAX_ATTACHMENTS, MAX_MAIL_DEPTH

HEADERS = ("From", "To", "Cc", "Date", "Subject")


def parse(path: Path, builder: BlockBuilder) -> int:
    data = path.read_bytes()
    message = message_from_bytes(data, policy=policy.default)
    if not message.keys():
        raise DocumentRefused("It is no e-mail: it has no headers.")
    add_mail(message, builder, depth=0)
    return 0


def add_mail(message: Message, builder: BlockBuilder, *, depth: int) -> None:
    """Add a mail's blocks, attached mails included to a depth of five."""
    lines = [f"{name}: {_header(message, name)}" for name in HEADERS if _header(message, name)]
    builder.heading(_header(message, "Subject") or "E-mail", depth + 1)
    builder.add("paragraph", "\n".join(lines))
    plain, html, attachments = _parts(message)
    if plain.strip():
        add_paragraphs(plain, builder)
    if html.strip() and not plain.strip():
        add_html(html, builder)
    for part in attachments[:MAX_ATTACHMENTS]:
        _attachment(part, builder, depth)
    if len(attachments) > MAX_ATTACHMENTS:
        builder.problem(f"Only the first {MAX_ATTACHMENTS} attachments were taken in.")


def _parts(message: Message) -> tuple[str, str, list[Message]]:
    """(plain text, HTML, attachments), without going into attached mails."""
    plain, html, attachments = [], [], []
    queue = [message]
    while queue:
        part = queue.pop(0)
        kind = part.get_content_type()
        if (
            part is not message and (part.get_filename() or part.get_content_disposition() == "attachment")
        ) or kind == "message/rfc822":
            attachments.append(part)
        elif part.is_multipart():
            payload = part.get_payload()
            queue = [p for p in payload if isinstance(p, Message)] + queue if isinstance(payload, list) else queue
        elif kind == "text/html":
            html.append(_text(part))
        elif kind.startswith("text/"):
            plain.append(_text(part))
    return "\n\n".join(plain), "\n".join(html), attachments


def _attachment(part: Message, builder: BlockBuilder, depth: int) -> None:
    name = part.get_filename() or "attached mail"
    builder.heading(f"Attachment: {name}", depth + 2)
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload(0) if part.is_multipart() else None
        if isinstance(inner, Message) and depth < MAX_MAIL_DEPTH:
            add_mail(inner, builder, depth=depth + 1)
        else:
            builder.problem("Mails nested too deeply were left out.")
        return
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data:
        return
    if part.get_content_type() == "text/plain" or name.lower().endswith((".txt", ".log")):
        add_paragraphs(decode(data), builder, label=name)
        return
    _file(data, name, builder)


def _file(data: bytes, name: str, builder: BlockBuilder) -> None:
    """Read an attachment as the file it is; one that cannot be read makes the mail partial."""
    from appliance.parsing.reader import read_document  # noqa: PLC0415 - a mail can hold every format, itself included

    inside = memory_file(data)
    try:
        for block in read_document(inside, name).blocks:
            if block.rows:
                builder.table(block.rows, label=name)
            else:
                builder.add(block.kind if block.kind != "heading" else "paragraph", block.text, label=name)
    except Exception as error:  # noqa: BLE001 - an attachment's parser may fail in any way; the mail stays readable
        reason = error.message if isinstance(error, DocumentRefused) else type(error).__name__
        builder.problem(f"The attachment '{name}' could not be read: {reason}")


def memory_file(data: bytes) -> Path:
    """The bytes under a path of this process's own memory; the cage lets nothing be written to disk."""
    descriptor = os.memfd_create("attachment")
    os.write(descriptor, data)
    return Path(f"/proc/self/fd/{descriptor}")


def _header(message: Message, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, TypeError, IndexError, AttributeError):  # the standard parser fails on some broken headers
        return ""


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    charset = part.get_content_charset()
    if charset:
        try:
            return data.decode(charset)
        except (UnicodeDecodeError, LookupError):
            pass
    return decode(data)

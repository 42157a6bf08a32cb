"""Reading files in the cage: formats, hostile files, passages."""

import asyncio
import contextlib
import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.parsing import (
    Block,
    CageLimits,
    DocumentRefused,
    ParsedDocument,
    PassageRules,
    make_passages,
    parse_file,
)
from tests.support.process import SAMPLES


async def read(path: Path, name: str | None = None, limits: CageLimits | None = None) -> ParsedDocument:
    return await parse_file(path, name or path.name, limits or CageLimits())


async def test_nobody_on_the_machine_reads_a_documents_name_off_the_process_list(tmp_path: Path) -> None:
    """`ps` shows arguments and, to the same user, the environment."""
    name, file = "Dismissal of Ann.csv", tmp_path / "0f3a"
    file.write_text("who,when\nAnn,May\n")
    shown: list[str] = []

    def look() -> None:
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            with contextlib.suppress(OSError):  # it ended
                line = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
                if "appliance.parsing.child" in line:
                    shown.append(line + Path(f"/proc/{pid}/environ").read_text(errors="replace"))

    reading = asyncio.create_task(read(file, name))
    while not reading.done():
        look()
        await asyncio.sleep(0.005)
    assert "May" in text_of(await reading)
    assert shown, "the child was seen"
    assert not [text for text in shown if "Dismissal" in text or str(tmp_path) in text]


def text_of(parsed: ParsedDocument) -> str:
    return "\n".join(block.text for block in parsed.blocks)


@pytest.mark.parametrize(
    ("name", "words", "page"),
    [
        ("handbook.pdf", "140 euros per night", 4),
        ("sales-training.pptx", "48 million euros", 3),
        ("price-list.xlsx", "PS-10", 1),
        ("press-release.html", "Aiko Tanabe", None),
        ("it-guide.md", "90 days", None),
        ("canteen.eml", "11:30", None),
        ("maintenance.csv", "spindle bearing", None),
        ("fire-safety.txt", "Claire Durand", None),
        ("就業規則.docx", "週に3日まで", None),
    ],
)
async def test_a_format_is_read_with_its_places(tmp_path: Path, name: str, words: str, page: int | None) -> None:
    stored = tmp_path / "0a1b"  # as the file store has it: no ending
    stored.write_bytes((SAMPLES / name).read_bytes())
    parsed = await read(stored, name)
    block = next(b for b in parsed.blocks if words in b.text or any(words in c for r in b.rows for c in r))
    assert block.page == page
    assert parsed.problems == ()


async def test_headings_are_remembered() -> None:
    parsed = await read(SAMPLES / "it-guide.md")
    block = next(b for b in parsed.blocks if "90 days" in b.text)
    assert block.heading_path == ("IT guide", "Backups")


async def test_a_table_keeps_its_rows() -> None:
    parsed = await read(SAMPLES / "price-list.xlsx")
    rows = next(b.rows for b in parsed.blocks if b.rows)
    assert rows[0][0] == "Article"
    assert ("PS-10", "Pressure sensor, 0 to 16 bar", "310", "in stock") in rows


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b""),
        ("a.pdf", b"%PDF-1.4 nothing"),
        ("a.docx", b"PK\x03\x04 nothing"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
        ("a.exe", b"MZ\x90\0" + b"\0" * 200),
        ("a.txt", b"   \n\n "),
    ],
)
async def test_a_broken_file_is_refused_with_cause_and_way_out(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DocumentRefused) as refused:
        await read(file)
    assert refused.value.message.endswith(".")


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", b"\0" * (40 * 1024 * 1024))
    return out.getvalue()


async def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "bomb.docx"
    file.write_bytes(bomb())
    with pytest.raises(DocumentRefused, match="attack"):
        await read(file)


async def test_time_and_output_are_bounded(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("word " * 100_000)
    with pytest.raises(DocumentRefused, match="longer than"):
        await read(file, limits=CageLimits(wall_longest_s=0.01))
    with pytest.raises(DocumentRefused, match="more text"):
        await read(file, limits=CageLimits(output_bytes=1000))


@given(st.lists(st.text(alphabet="ab .\n", min_size=1, max_size=300), min_size=1, max_size=12))
def test_passages_lose_no_words(texts: list[str]) -> None:
    blocks = tuple(Block(kind="paragraph", text=t) for t in texts if t.strip())
    passages = make_passages(ParsedDocument("t", "text/plain", blocks), PassageRules(characters=200))
    shown = " ".join(p.text for p in passages)
    for block in blocks:
        for word in block.text.split():
            assert word in shown
    assert [p.ordinal for p in passages] == list(range(len(passages)))


def test_a_long_table_repeats_its_header_in_each_passage() -> None:
    rows = (("name", "price"), *((f"article {n}", str(n)) for n in range(200)))
    block = Block(kind="table", text="\n".join(" | ".join(r) for r in rows), rows=rows)
    passages = make_passages(ParsedDocument("t", "text/csv", (block,)), PassageRules())
    assert len(passages) > 1
    assert all("name" in p.text and "price" in p.text for p in passages)
    assert all(f"article {n} " in " ".join(p.text.replace("|", " ") for p in passages) + " " for n in range(200))

"""Seeded documents that can be recognised: every paragraph of every version has a word that stands nowhere else."""

import csv
import html
import io
import random
from dataclasses import dataclass, field

import docx

SUFFIXES = ("md", "txt", "html", "csv", "docx")
SUBJECTS = (
    "travel costs are paid within thirty days of the return",
    "the pump is oiled before the first shift of the week",
    "a contract above the limit needs two signatures",
    "visitors wear the badge where everybody can see it",
    "the archive keeps invoices for ten years",
    "spare parts lie in the second hall beside the gate",
    "complaints are answered by the department that caused them",
    "the test bench is calibrated by an outside laboratory",
)


@dataclass(frozen=True)
class Version:
    """What one upload sends."""

    path: str
    step: int
    words: tuple[str, ...]
    """One per paragraph, in order."""
    content: bytes = field(repr=False)

    @property
    def fact(self) -> str:
        return self.words[0]


@dataclass(frozen=True)
class Removal:
    """The document is deleted."""

    path: str
    step: int


Step = Version | Removal


def histories(seed: int, files: int) -> dict[str, list[Step]]:
    """What happens to each path, in order: most are uploaded once, some change, some go, a few come back."""
    choice = random.Random(seed)
    found: dict[str, list[Step]] = {}
    for number in range(files):
        path = f"folder-{number % 7}/file-{number:04}.{SUFFIXES[number % len(SUFFIXES)]}"
        kinds = ["upload"]
        fate = choice.random()
        if fate < 0.15:
            kinds += ["upload"] * choice.randint(1, 2)
        elif fate < 0.21:
            kinds += ["delete"]
        elif fate < 0.24:
            kinds += ["delete", "upload"]
        paragraphs = choice.choice((1, 1, 2, 3, 5, 8)) if number % 11 else choice.randint(40, 90)
        found[path] = [
            Removal(path, step) if kind == "delete" else _version(choice, path, number, step, paragraphs)
            for step, kind in enumerate(kinds)
        ]
    return found


def in_order(seed: int, stories: dict[str, list[Step]]) -> list[Step]:
    """All steps of all paths, mixed; the steps of one path keep their order and often follow each other closely."""
    choice = random.Random(seed + 1)
    placed: list[tuple[float, Step]] = []
    for steps in stories.values():
        moment = choice.random()
        for step in steps:
            placed.append((moment, step))
            moment += choice.choice((0.002, 0.01, 0.05, 0.2)) * choice.random()
    return [step for _, step in sorted(placed, key=lambda x: x[0])]


def words_in(text: str) -> set[str]:
    """Our own words in a text."""
    return {w for w in text.replace(".", " ").replace(",", " ").split() if w.startswith("zu") and w.endswith("x")}


def _version(choice: random.Random, path: str, number: int, step: int, paragraphs: int) -> Version:
    words = tuple(_word(number, step, p) for p in range(paragraphs))
    texts = [_paragraph(choice, word) for word in words]
    return Version(path, step, words, _written(path.rpartition(".")[2], f"Document {number}", texts))


def _word(number: int, step: int, paragraph: int) -> str:
    """Letters only, so that it counts as one word; no ending that a stemmer would touch."""
    digits = f"{number:04}{step}{paragraph:02}"
    return "zu" + "".join("bcdfghjklm"[int(d)] + "ao"[i % 2] for i, d in enumerate(digits)) + "x"


def _paragraph(choice: random.Random, word: str) -> str:
    sentences = [choice.choice(SUBJECTS).capitalize() + "." for _ in range(choice.randint(8, 12))]
    sentences.insert(choice.randrange(len(sentences)), f"The register calls this rule {word} and nothing else.")
    return " ".join(sentences)


def _written(suffix: str, title: str, texts: list[str]) -> bytes:
    if suffix == "md":
        return "\n\n".join([f"# {title}", *texts]).encode()
    if suffix == "txt":
        return "\n\n".join(texts).encode()
    if suffix == "html":
        body = "".join(f"<p>{html.escape(t)}</p>" for t in texts)
        return f"<!doctype html><html><head><title>{title}</title></head><body>{body}</body></html>".encode()
    if suffix == "csv":
        out = io.StringIO()
        csv.writer(out).writerows([["number", "rule"], *([str(i), t] for i, t in enumerate(texts))])
        return out.getvalue().encode()
    document = docx.Document()
    document.add_heading(title)
    for text in texts:
        document.add_paragraph(text)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()

"""How well a small model answers: public questions through the whole path, real engines, the product's own doors.

    python -m tests.bench.answers [--english 100] [--japanese 50] [--unanswerable 0] [--data-dir FOLDER]

Starts an appliance of its own, takes in each passage of squad_en and jsquad_ja as a file, and asks through `/api/ask`
as the command line does. Printed for each set:

- `answer`: share of answers whose text contains a gold answer;
- `first quote`: share whose first citation's quoted text contains one;
- `first passage`: share whose first citation's passage is the one that the question was written for;
- `used`: share of the cited passages that the answer really rests on: the mark `[n]` stands in the answer, and the
  paragraph before it (the model's sentence, or the quotation shown) has at least half of its content words and all its
  numbers from the cited quotation;
- `apt`: share of the cited quotations that contain a gold answer, a harder measure: a second one often gives context;
- `declined`: share answered with "your documents do not say"; for unanswerable questions this is the right answer;
- seconds for an answer, p50 and p95.

A gold answer counts when it stands in the text after NFKC, lower case, and without punctuation, articles and white
space (the comparison of the SQuAD evaluation, contained instead of equal). With `--data-dir` the folder is kept, and a
second run needs no ingestion.
"""

import argparse
import json
import random
import re
import sys
import tempfile
import time
import unicodedata
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

from appliance.answers.support import SupportCheck
from tests.bench.metrics import percentile
from tests.conftest import SHARED
from tests.support.process import ApplianceProcess, appliance

MARK = re.compile(r"\s*\[(\d{1,2})\]")
ARTICLE = re.compile(r"\b(a|an|the)\b")
GOAL = 0.67
"""Twice the share of a popular peer over the same two engines (2 of 6 trial answers)."""


@dataclass(frozen=True)
class Question:
    text: str
    gold: tuple[str, ...]
    """Empty: the documents do not say."""
    document: str = ""
    """Name of the file that the question was written for."""


@dataclass
class Score:
    shares: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    seconds: list[float] = field(default_factory=list)


def plain(text: str) -> str:
    """The SQuAD normalisation, for every script."""
    folded = unicodedata.normalize("NFKC", text).lower()
    kept = "".join(" " if unicodedata.category(c)[0] in "PS" else c for c in folded)
    return "".join(ARTICLE.sub(" ", kept).split())


def contains(text: str, gold: Sequence[str]) -> bool:
    return any(plain(g) in plain(text) for g in gold if plain(g))


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def questions(folder: Path, count: int, seed: int) -> list[Question]:
    gold = {a["id"]: tuple(a["answers"]) for a in lines(folder / "answers.jsonl")}
    rows = (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    wanted = {row.split("\t")[0]: row.split("\t")[1] for row in rows}
    asked = [Question(q["text"], gold[q["id"]], f"{wanted[q['id']]}.md") for q in lines(folder / "queries.jsonl")]
    return random.Random(seed).sample(asked, min(count, len(asked)))


def unanswerable(folder: Path, count: int, seed: int) -> list[Question]:
    asked = [Question(q["text"], ()) for q in lines(folder / "unanswerable.jsonl")]
    return random.Random(seed).sample(asked, min(count, len(asked)))


def write_files(corpus: Path, target: Path) -> None:
    """One file per passage, so that the path from file to passage is the product's own."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in lines(corpus):
        (target / f"{entry['id']}.md").write_text(f"# {entry['title']}\n\n{entry['text']}\n", encoding="utf-8")


def ask(running: ApplianceProcess, token: str, question: str, collection: str) -> tuple[dict[str, Any], float]:
    """The `finished` event and the seconds it took. Raises AssertionError when the answer failed."""
    body = json.dumps({"question": question, "collection_ids": [collection]}).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(f"{running.url}/api/ask", body, headers)  # noqa: S310 - our own address
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=300) as reply:  # noqa: S310 - our own address
        name = ""
        for raw in reply:
            line = raw.decode("utf-8").rstrip("\n")
            name = line.removeprefix("event: ") if line.startswith("event: ") else name
            if line.startswith("data: ") and name in ("finished", "failed"):
                data: dict[str, Any] = json.loads(line.removeprefix("data: "))
                assert name == "finished", f"{question}: {data}"
                return data, time.monotonic() - began
    raise AssertionError(f"no last event for {question!r}")


def used(text: str, citations: Sequence[dict[str, Any]]) -> Iterator[float]:
    """1 or 0 for each citation: does a paragraph that ends in its mark rest on its quotation?"""
    check = SupportCheck()
    before: dict[int, list[str]] = defaultdict(list)
    position = 0
    for match in MARK.finditer(text):
        paragraph = text[position : match.start()].rsplit("\n\n", 1)[-1]
        before[int(match[1])].append(" ".join(line.lstrip("> ") for line in paragraph.splitlines()))
        position = match.end()
    for citation in citations:
        said = before.get(citation["number"], [])
        yield float(any(check.share(paragraph, citation["quote"]) >= 0.5 for paragraph in said))


def measure(running: ApplianceProcess, token: str, asked: Sequence[Question], collection: str, *, show: bool) -> Score:
    score = Score()
    for question in asked:
        found, seconds = ask(running, token, question.text, collection)
        score.seconds.append(seconds)
        score.shares["declined"].append(float(found["grounding"] == "not_in_documents"))
        citations = found["citations"]
        score.shares["used"].extend(used(found["text"], citations))
        if not question.gold:
            continue
        good = contains(found["text"], question.gold)
        first = citations[0] if citations else {"quote": "", "document_name": ""}
        score.shares["answer"].append(float(good))
        score.shares["first quote"].append(float(contains(first["quote"], question.gold)))
        score.shares["apt"].extend(float(contains(c["quote"], question.gold)) for c in citations)
        score.shares["first passage"].append(float(first["document_name"] == question.document))
        if show and not good:
            print(f"    {question.text}\n        wanted {question.gold}\n        {found['text'][:300]!r}", flush=True)
    return score


def report(name: str, score: Score) -> bool:
    figures = "  ".join(f"{k} {mean(v):.3f}" for k, v in sorted(score.shares.items()) if v)
    p50, p95 = percentile(score.seconds, 0.5), percentile(score.seconds, 0.95)
    reached = not score.shares["answer"] or mean(score.shares["answer"]) >= GOAL
    print(f"{name:24} {len(score.seconds):4} questions  {figures}  p50 {p50:.1f} s p95 {p95:.1f} s", flush=True)
    return reached


def prepare(running: ApplianceProcess, data: Path, name: str) -> str:
    """Take in a set's corpus; the id of its collection."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(data / name / "corpus.jsonl", Path(folder) / name)
        began = time.monotonic()
        results = running.cli_json("ingest", str(Path(folder) / name), "--collection", name, timeout_s=3600)
    counts: dict[str, int] = defaultdict(int)
    for result in results:
        counts[result["state"]] += 1
    print(f"{name}: {len(results)} files, {dict(counts)}, {time.monotonic() - began:.0f} s", flush=True)
    return next(str(c["id"]) for c in running.cli_json("collections", "list") if c["name"] == name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "retrieval")
    parser.add_argument("--english", type=int, default=100)
    parser.add_argument("--japanese", type=int, default=50)
    parser.add_argument("--unanswerable", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-dir", type=Path, help="Keep the appliance's data here.")
    parser.add_argument("--show", action="store_true", help="Print what was answered wrong.")
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        print(f"SKIPPED: {chosen.data} is not there")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        good = _run(chosen, chosen.data_dir or Path(scratch) / "data")
    return 0 if good else 1


def _run(chosen: argparse.Namespace, folder: Path) -> bool:
    plan = [
        ("squad_en", "squad_en", questions(chosen.data / "squad_en", chosen.english, chosen.seed)),
        ("jsquad_ja", "jsquad_ja", questions(chosen.data / "jsquad_ja", chosen.japanese, chosen.seed)),
        (
            "squad_en",
            "squad_en, unanswerable",
            unanswerable(chosen.data / "squad_en", chosen.unanswerable, chosen.seed),
        ),
    ]
    with appliance(folder) as running:
        token = json.loads((folder / "run" / "operator.json").read_text())["token"]
        ids = {name: prepare(running, chosen.data, name) for name in dict.fromkeys(n for n, _, q in plan if q)}
        scores = [(t, measure(running, token, q, ids[n], show=chosen.show)) for n, t, q in plan if q]
    reached = [report(title, score) for title, score in scores]
    return all(reached)


if __name__ == "__main__":
    sys.exit(main())

"""Every alert has its page, every page its alert, and hosts and chart mean the same by one name."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ON_HOSTS = ROOT / "playbooks" / "roles" / "monitoring" / "files" / "appliance-rules.yml"
IN_CHART = ROOT / "helm" / "files" / "alerts.yaml"
BOOKS = ROOT / "docs" / "runbooks"
PAGES = sorted(p for p in BOOKS.glob("*.md") if p.name != "README.md")
PARTS = ("**What users see.**", "## Check", "## Do", "**Call for help**")


def alerts(file: Path) -> dict[str, dict[str, Any]]:
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {rule["alert"]: rule for group in given["groups"] for rule in group["rules"]}


def meaning(rule: dict[str, Any]) -> tuple[Any, ...]:
    """All that an alert says, but for the namespace, which only a cluster has."""
    expression = re.sub(r'namespace="NAMESPACE",?', "", rule["expr"]).replace("{}", "")
    return " ".join(expression.split()), rule["for"], rule["labels"], rule["annotations"]


@pytest.mark.parametrize("file", [ON_HOSTS, IN_CHART], ids=["hosts", "chart"])
def test_every_alert_names_a_page_that_is_there(file: Path) -> None:
    found = alerts(file)
    assert len(found) > 5
    for name, rule in found.items():
        page = ROOT / rule["annotations"]["runbook"]
        assert page in PAGES, f"{name} names {rule['annotations']['runbook']}"
        assert page.read_text(encoding="utf-8").startswith(f"# {name}\n"), f"{page.name} is not about {name}"


def test_no_page_is_without_an_alert_and_all_are_in_the_table() -> None:
    named = {ROOT / r["annotations"]["runbook"]: a for f in (ON_HOSTS, IN_CHART) for a, r in alerts(f).items()}
    table = (BOOKS / "README.md").read_text(encoding="utf-8")
    assert set(PAGES) == set(named)
    for page, name in named.items():
        row = re.search(rf"^\| \[{name}\]\({page.name}\) \| (\w+) \| ([\w, ]+) \|", table, re.MULTILINE)
        assert row, f"{name} is not in the table"
        where = [word for word, file in (("hosts", ON_HOSTS), ("chart", IN_CHART)) if name in alerts(file)]
        rule = alerts(ON_HOSTS).get(name) or alerts(IN_CHART)[name]
        assert (row[1], row[2]) == (rule["labels"]["severity"], ", ".join(where))


def test_hosts_and_chart_mean_the_same_by_one_name() -> None:
    hosts, chart = alerts(ON_HOSTS), alerts(IN_CHART)
    assert set(chart) <= set(hosts), "what the chart watches, hosts watch as well"
    for name, rule in chart.items():
        assert meaning(rule) == meaning(hosts[name]), name


def test_alerts_ask_for_numbers_that_there_are() -> None:
    written = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    for file in (ON_HOSTS, IN_CHART):
        for name, rule in alerts(file).items():
            for metric in re.findall(r"appliance_\w+", rule["expr"]):
                assert f"| `{metric}` |" in written, f"{name}: {metric}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_page_has_all_its_parts_and_real_commands(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for part in PARTS:
        assert part in text, f"{page.name} lacks: {part}"
    commands = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    said = re.findall(r"(?:^|`)appliance ((?:[a-z-]+ ?)+)", text, re.MULTILINE)
    for words in said:
        first, *rest = words.split()
        there = any(
            re.search(rf"^\| `appliance {w}[ `]", commands, re.MULTILINE) for w in (first, " ".join((first, *rest[:1])))
        )
        assert there, f"{page.name}: 'appliance {words.strip()}' is no command"

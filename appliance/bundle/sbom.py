"""The bill of materials, CycloneDX 1.6, over everything that others released."""

import json
import uuid
from typing import Any

from appliance.bundle.manifest import Component
from appliance.bundle.plan import BuildPlan
from appliance.bundle.tree import Tree

PATH = "sbom/bundle.cdx.json"
SERIALS = uuid.UUID("6f0a5a3e-6a86-5b0f-9a3c-0d5a8c6f7e11")
"""Namespace of serial numbers: the same content has the same number."""
TYPES = {"wheel": "library", "deb": "application", "tarball": "application", "image": "container"}


def write_sbom(tree: Tree, plan: BuildPlan, components: list[Component]) -> None:
    """Without a time: two builds of the same content are the same."""
    rows = [_row(component) for component in sorted(components, key=lambda c: (c.kind, c.path))]
    content = json.dumps(rows, sort_keys=True)
    whole: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(SERIALS, plan.version + content)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "machine-learning-model" if plan.model else "application",
                "bom-ref": "bundle",
                "name": plan.model.id if plan.model else "private-model-appliance",
                "version": plan.version,
            }
        },
        "components": rows,
        "dependencies": [{"ref": "bundle", "dependsOn": [row["bom-ref"] for row in rows]}],
    }
    tree.add_bytes(PATH, json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")


def _row(component: Component) -> dict[str, Any]:
    row: dict[str, Any] = {
        "type": "machine-learning-model" if component.kind == "model" else TYPES.get(component.kind, "application"),
        "bom-ref": component.path,
        "name": component.name,
        "version": component.version,
        "properties": [{"name": "appliance:path", "value": component.path}],
    }
    if component.source.startswith("pkg:"):
        row["purl"] = component.source
    if component.sha256:
        row["hashes"] = [{"alg": "SHA-256", "content": component.sha256}]
    if component.licence:
        row["licenses"] = [{"license": {"name": component.licence}}]
    return row

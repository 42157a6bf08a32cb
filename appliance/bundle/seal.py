"""The lists over the files, and the signature over the lists."""

import hashlib

from appliance.bundle.checking import CHECKSUMS, MANIFEST
from appliance.bundle.manifest import Component, Manifest, TargetFacts
from appliance.bundle.plan import BuildPlan
from appliance.bundle.signing import fingerprint, sign
from appliance.bundle.tree import Tree


def seal(tree: Tree, plan: BuildPlan, components: list[Component]) -> tuple[Manifest, str]:
    """Write `checksums.txt`, `manifest.json` and its signature; the manifest, and the key's fingerprint ("" unsigned).

    Raises BundleUnmade.
    """
    lines = "".join(f"{tree.hashes[path]}  {path}\n" for path in sorted(tree.hashes)).encode()
    manifest = Manifest(
        kind="product" if plan.model is None else "model",
        version=plan.version,
        min_upgrade_from=plan.min_upgrade_from,
        checksums_sha256=hashlib.sha256(lines).hexdigest(),
        targets=tuple(TargetFacts(id=t.id, codename=t.codename, python=t.python, glibc=t.glibc) for t in plan.targets),
        components=tuple(sorted(components, key=lambda c: (c.kind, c.path))),
        model=plan.model,
        left_out=plan.left_out,
    )
    (tree.root / CHECKSUMS).write_bytes(lines)
    (tree.root / MANIFEST).write_bytes(manifest.encode())
    if plan.key is None:
        return manifest, ""
    sign(tree.root / MANIFEST, plan.key)
    return manifest, fingerprint(plan.key)

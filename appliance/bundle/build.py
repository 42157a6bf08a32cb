"""Make a bundle: fill, describe, seal, and give it its name in one step."""

import os
from pathlib import Path

from appliance.bundle import checking
from appliance.bundle.archive import write_archive
from appliance.bundle.errors import BundleUnmade
from appliance.bundle.manifest import Bundle, Component
from appliance.bundle.plan import BuildPlan, Progress
from appliance.bundle.sbom import write_sbom
from appliance.bundle.seal import seal
from appliance.bundle.tree import Tree, remove
from appliance.bundle.verify import bundle_of


def build(plan: BuildPlan, into: Path, progress: Progress) -> Bundle:
    """Make a bundle.

    Args:
        plan: What goes in.
        into: A folder that is not there yet, or a file that ends in `.tar`. Until it is whole it is called
            `<into>.partial`; a run that was cut short goes on from what lies there.
        progress: Told what is going on.

    Raises:
        BundleUnmade: something cannot be fetched, is not what was pinned, or `into` is there already.
    """
    if into.exists():
        raise BundleUnmade(f"{into} is there already.", remedy="Remove it, or name another place.")
    staging = into.with_name(into.name + ".partial")
    tree = Tree(staging, plan.epoch_s)
    components: list[Component] = []
    for part in plan.parts:
        components += part.fill(tree, progress)
    tree.add_file("verify.py", Path(checking.__file__))
    write_sbom(tree, plan, components)
    tree.drop_strangers()
    manifest, signed_by = seal(tree, plan, components)
    tree.settle()
    size = sum(path.stat().st_size for path in staging.rglob("*") if path.is_file())
    if into.suffix == ".tar":
        progress(f"writing {into.name}")
        made = into.with_name(into.name + ".writing")
        write_archive(staging, made, plan.epoch_s)
        made.replace(into)
        remove(staging)
    else:
        staging.replace(into)
        os.utime(into, (plan.epoch_s, plan.epoch_s))
    return bundle_of(into, manifest, signed_by, len(tree.hashes), size)

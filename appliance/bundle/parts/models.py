"""One model with its files, as a bundle of its own: large, and released at another time than the product."""

from dataclasses import dataclass
from pathlib import Path

from appliance.bundle.checking import Refused, entries_of
from appliance.bundle.errors import BundleUnmade
from appliance.bundle.manifest import Component, ModelFacts
from appliance.bundle.model_files import refuse_what_runs
from appliance.bundle.plan import Progress
from appliance.bundle.tree import Tree


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model as `appliance models add` left it, with its `appliance-manifest.json`."""

    folder: Path
    facts: ModelFacts

    def fill(self, tree: Tree, progress: Progress) -> list[Component]:
        """Raises BundleUnmade."""
        progress(f"model {self.facts.id}")
        size = tree.add_folder("files", self.folder)
        return [
            Component(
                name=self.facts.id,
                version=self.facts.revision,
                kind="model",
                licence=self.facts.licence,
                source=self.facts.repository,
                path="files/",
                sha256="",
                size=size,
            )
        ]


def look_into(folder: Path) -> tuple[tuple[str, ...], int]:
    """Types of a model's tensors and the bytes that they need. Raises BundleUnmade, naming a file that could run."""
    try:
        with entries_of(folder) as entries:
            dtypes, size = refuse_what_runs(entries)
    except Refused as refused:
        raise BundleUnmade(f"{refused}.", remedy="Take the file out, or choose another model.") from refused
    return tuple(sorted(dtypes)), size

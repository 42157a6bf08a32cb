"""A folder of the repository: playbooks, chart."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from appliance.bundle.manifest import Component
from appliance.bundle.plan import Progress
from appliance.bundle.tree import Tree


@dataclass(frozen=True, slots=True)
class Folder:
    kind: Literal["playbooks", "chart"]
    folder: Path
    version: str

    def fill(self, tree: Tree, progress: Progress) -> list[Component]:
        progress(f"{self.kind}: {self.folder}")
        size = tree.add_folder(self.kind, self.folder)
        return [
            Component(
                name=f"appliance-{self.kind}",
                version=self.version,
                kind=self.kind,
                licence="Apache-2.0",
                source=f"pkg:generic/appliance-{self.kind}@{self.version}",
                path=f"{self.kind}/",
                sha256="",
                size=size,
            )
        ]

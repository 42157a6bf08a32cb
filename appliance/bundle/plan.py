"""What goes into a bundle, decided before anything is fetched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.bundle.manifest import Component, ModelFacts
from appliance.bundle.targets import Target
from appliance.bundle.tree import Tree

Progress = Callable[[str], None]
"""Told what is going on, one line at a time."""


class Part(Protocol):
    """One kind of content. Builds of the same inputs must take in the same bytes."""

    def fill(self, tree: Tree, progress: Progress) -> Sequence[Component]:
        """Bring the files into the tree. Raises BundleUnmade."""


@dataclass(frozen=True, slots=True)
class BuildPlan:
    version: str
    min_upgrade_from: str
    targets: tuple[Target, ...]
    parts: tuple[Part, ...]
    key: Path | None
    """Private key to sign with; None leaves the bundle unsigned, which nobody will accept."""
    epoch_s: int
    """Time that every file gets, in seconds since 1970: that of the commit, so that two builds are equal."""
    left_out: tuple[str, ...] = ()
    model: ModelFacts | None = None

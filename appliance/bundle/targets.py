"""Which hosts a bundle can be for: facts that decide which wheels and packages fit."""

from dataclasses import dataclass

from appliance.bundle.errors import BundleUnmade

UV_NEWEST = 40
"""The newest glibc 2.x that uv has a name for. Wheels are chosen by the host's real one all the same."""


@dataclass(frozen=True, slots=True)
class Target:
    """One operating system release on one kind of processor."""

    id: str
    codename: str
    python: str
    """Full version of the host's own Python. 3.11.2 needs packages that 3.11.7 does not: markers look at it."""
    glibc: str
    """`major.minor`; wheels for a newer one do not load."""

    @property
    def python_minor(self) -> str:
        return ".".join(self.python.split(".")[:2])

    @property
    def uv_platform(self) -> str:
        """What uv resolves for; its markers are the same for every one of them."""
        return f"x86_64-manylinux_2_{min(int(self.glibc.split('.')[1]), UV_NEWEST)}"

    @property
    def platforms(self) -> tuple[str, ...]:
        """Tags of wheels that load here, best first."""
        newest = int(self.glibc.split(".")[1])
        tags = [f"manylinux_2_{minor}_x86_64" for minor in range(newest, 4, -1)]
        return (*tags, "manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64")


TARGETS = {
    target.id: target
    for target in (
        Target("debian-12", "bookworm", "3.11.2", "2.36"),
        Target("debian-13", "trixie", "3.13.5", "2.41"),
    )
}


def target_named(name: str) -> Target:
    """Raises BundleUnmade."""
    if name not in TARGETS:
        raise BundleUnmade(f"There is no target '{name}'.", remedy=f"Targets: {', '.join(TARGETS)}.")
    return TARGETS[name]

"""What an installation is made of: the one place that knows names, ports, users and health checks.

Playbooks, units, Helm values and the chart are rendered from this table, or held against it by a test.
"""

from dataclasses import dataclass
from typing import Literal

Name = Literal["gateway", "worker", "engines", "database", "index", "cache", "identity", "proxy", "monitoring"]
"""What a host can be given, also the group of the inventory."""

ENGINE_PORT = 8101
"""Of the first engine; each further one has the next."""


@dataclass(frozen=True, slots=True)
class Port:
    name: str
    number: int
    public: bool = False
    """Open to everybody; all others only to hosts of the installation that use them."""
    used_by: frozenset[Name] | None = None
    """Who connects to this one, where not everybody who uses the component does."""


@dataclass(frozen=True, slots=True)
class Health:
    """How to ask whether it can do its work: an HTTP path on a port, or else a command on its host."""

    port: str = ""
    path: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Component:
    name: Name
    unit: str
    """systemd's; `@` stands for one unit for each model."""
    user: str
    uid: int | None
    """None: the distribution's package makes the user."""
    ports: tuple[Port, ...]
    health: Health
    used_by: frozenset[Name]
    """Who connects to it; nobody else gets through the firewall."""
    data: str = ""
    """Folder with its state."""
    on_loopback: bool = False
    """Listens on the loopback address in any case; others on one address only."""

    def port(self, name: str = "main") -> int:
        """Raises KeyError when it has no such port."""
        return {p.name: p.number for p in self.ports}[name]


COMPONENTS: tuple[Component, ...] = (
    Component(
        name="gateway",
        unit="appliance-gateway.service",
        user="appliance",
        uid=871,
        ports=(Port("main", 8080),),
        health=Health(port="main", path="/health/ready"),
        used_by=frozenset({"proxy", "monitoring"}),
        data="/var/lib/appliance",
    ),
    Component(
        name="worker",
        unit="appliance-worker.service",
        user="appliance",
        uid=871,
        ports=(),
        health=Health(command=("systemctl", "is-active", "--quiet", "appliance-worker.service")),
        used_by=frozenset(),
        data="/var/lib/appliance",
    ),
    Component(
        name="engines",
        unit="vllm@.service",
        user="vllm",
        uid=872,
        ports=(Port("main", ENGINE_PORT),),
        health=Health(port="main", path="/v1/models"),
        used_by=frozenset({"gateway", "worker", "monitoring"}),
        data="/var/lib/appliance-models",
    ),
    Component(
        name="database",
        unit="postgresql.service",
        user="postgres",
        uid=None,
        ports=(Port("main", 5432),),
        health=Health(command=("pg_isready", "--quiet")),
        used_by=frozenset({"gateway", "worker", "identity"}),
        data="/var/lib/postgresql",
        on_loopback=True,
    ),
    Component(
        name="index",
        unit="qdrant.service",
        user="qdrant",
        uid=873,
        ports=(Port("main", 6333),),
        health=Health(port="main", path="/readyz"),
        used_by=frozenset({"gateway", "worker"}),
        data="/var/lib/qdrant",
    ),
    Component(
        name="cache",
        unit="redis-server.service",
        user="redis",
        uid=None,
        ports=(Port("main", 6379),),
        health=Health(command=("redis-cli", "ping")),
        used_by=frozenset({"gateway"}),
        data="/var/lib/redis",
        on_loopback=True,
    ),
    Component(
        name="identity",
        unit="keycloak.service",
        user="keycloak",
        uid=874,
        ports=(
            Port("main", 8180, used_by=frozenset({"proxy"})),
            Port("management", 9000, used_by=frozenset({"monitoring"})),
        ),
        health=Health(port="management", path="/health/ready"),
        used_by=frozenset({"proxy", "monitoring"}),
        data="/var/lib/keycloak",
    ),
    Component(
        name="proxy",
        unit="nginx.service",
        user="www-data",
        uid=None,
        ports=(Port("main", 443, public=True), Port("redirect", 80, public=True)),
        health=Health(port="main", path="/health/live"),
        used_by=frozenset({"gateway"}),
        on_loopback=True,
    ),
    Component(
        name="monitoring",
        unit="prometheus.service",
        user="prometheus",
        uid=None,
        ports=(Port("main", 9090), Port("alerts", 9093), Port("host", 9100)),
        health=Health(port="main", path="/-/ready"),
        used_by=frozenset(),
        data="/var/lib/prometheus",
    ),
)


def component(name: Name) -> Component:
    """One row of the table."""
    return next(c for c in COMPONENTS if c.name == name)

"""The words of `installation.yml`. Plain values; what they mean together is checked in `read.py`."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from appliance.installation.components import Name

Port = Annotated[int, Meta(ge=1, le=65535)]
HostName = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class Host(Struct, forbid_unknown_fields=True, frozen=True):
    address: str
    """IPv4 address by which the other hosts reach it."""
    components: tuple[Name, ...]
    user: str = "root"
    """Who logs in there; anybody but root needs sudo without a password."""
    port: Port = 22
    connection: Literal["ssh", "local"] = "ssh"
    """`local`: this machine itself."""


class Model(Struct, forbid_unknown_fields=True, frozen=True):
    id: str
    """A model of the catalogue."""
    hosts: tuple[HostName, ...]
    """Hosts with the component `engines` that run it."""
    replicas: Annotated[int, Meta(ge=1, le=64)] = 1
    """Engines of it on each of these hosts."""
    engine_args: tuple[str, ...] = ()
    adapters: bool = False
    """LoRA adapters may be loaded into it while it runs."""
    fallbacks: tuple[str, ...] = ()
    max_running: Annotated[int, Meta(ge=1, le=65536)] = 1024
    max_waiting: Annotated[int, Meta(ge=0, le=1_000_000)] = 1024


class Engines(Struct, forbid_unknown_fields=True, frozen=True):
    device: Literal["gpu", "cpu"] = "gpu"
    environment_dir: str = ""
    """The engines' Python environment, when it is on the hosts already. Empty: made from the bundle."""
    model_dir: str = ""
    """Model files, when they are on the hosts already. Empty: brought from bundles of models."""
    kv_cache_gib: Annotated[int, Meta(ge=1)] = 1
    """Without GPU: memory for the key-value cache of each engine, GiB."""
    start_s: Annotated[int, Meta(ge=10, le=7200)] = 1800
    """Longest start of an engine, seconds."""
    drain_s: Annotated[int, Meta(ge=0, le=3600)] = 60
    """How long running requests may take when an engine is stopped, seconds."""


class Identity(Struct, forbid_unknown_fields=True, frozen=True):
    mode: Literal["local", "oidc"] = "local"
    hostname: str = ""
    """Under which the proxy shows our Keycloak, as `sso.acme.example`."""
    realm: str = "appliance"
    external_issuer: str = ""
    """An identity provider that is there already; then no host has the component `identity`."""
    client_id: str = "appliance"
    client_secret_file: str = ""
    """With an external issuer: file on the control machine."""
    ca_file: str = ""
    """With an external issuer: authorities of its certificate, file on the control machine."""
    admitted_groups: tuple[str, ...] = ()
    role_groups: dict[str, tuple[str, ...]] = {}


class Database(Struct, forbid_unknown_fields=True, frozen=True):
    mode: Literal["bundled", "external"] = "bundled"
    url_file: str = ""
    """External: file on the control machine with `postgresql://user:password@host/name`."""


class Index(Struct, forbid_unknown_fields=True, frozen=True):
    mode: Literal["embedded", "bundled", "external"] = "embedded"
    url: str = ""
    api_key_file: str = ""


class Cache(Struct, forbid_unknown_fields=True, frozen=True):
    mode: Literal["none", "bundled", "external"] = "none"
    url_file: str = ""
    """External: file on the control machine with `redis://:password@host:6379/0`."""


class Tls(Struct, forbid_unknown_fields=True, frozen=True):
    mode: Literal["own_ca", "files"] = "own_ca"
    certificate_file: str = ""
    """With its chain, PEM; for the names of `public_url` and `identity.hostname`."""
    key_file: str = ""
    ca_file: str = ""
    """Authorities that sign it, where they are not those of the machines."""


class Backup(Struct, forbid_unknown_fields=True, frozen=True):
    folder: str = "/var/backups/appliance"
    schedule: str = "*-*-* 02:30"
    """As systemd writes times (`OnCalendar`)."""
    keep: Annotated[int, Meta(ge=1, le=1000)] = 14
    """How many are kept."""
    recipient_file: str = ""
    """Public key to which secrets are sealed, file on the control machine."""


class Monitoring(Struct, forbid_unknown_fields=True, frozen=True):
    retention_days: Annotated[int, Meta(ge=1, le=3650)] = 15
    alert_webhook: str = ""
    """Where alerts are sent to, as `http://host/path`. Empty: they are only shown."""


class Network(Struct, forbid_unknown_fields=True, frozen=True):
    operators: tuple[str, ...] = ("0.0.0.0/0",)
    """Networks that may open SSH."""
    clients: tuple[str, ...] = ("0.0.0.0/0",)
    """Networks that may reach the proxy."""
    egress: tuple[str, ...] = ()
    """Where hosts may connect to besides each other, as `10.0.0.53:53/udp`; everything else is refused and counted."""


class Installation(Struct, forbid_unknown_fields=True, frozen=True):
    name: HostName
    public_url: Annotated[str, Meta(pattern=r"^https://[a-z0-9.-]+(:\d+)?$")]
    hosts: dict[str, Host]
    models: tuple[Model, ...]
    layout: Literal["single", "multi", "ha"] = "single"
    secrets_dir: str = "secrets"
    """On the control machine, beside the description unless absolute; made once, never printed."""
    engines: Engines = Engines()
    identity: Identity = Identity()
    database: Database = Database()
    index: Index = Index()
    cache: Cache = Cache()
    tls: Tls = Tls()
    backup: Backup = Backup()
    monitoring: Monitoring = Monitoring()
    network: Network = Network()
    settings: dict[str, Any] = {}
    """Anything of `appliance.toml`, laid over what is made of the rest."""

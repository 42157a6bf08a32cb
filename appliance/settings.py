"""All settings, read once: a TOML file, then the environment on top. The only module that reads either.

The file is `--config`, or `APPLIANCE_CONFIG`, or `appliance.toml` in the data folder when it is there. A variable
`APPLIANCE_<SECTION>_<KEY>` sets `[section] key`; `APPLIANCE_DATA_DIR`, `APPLIANCE_HOST`, `APPLIANCE_PORT`,
`APPLIANCE_ADMIN_EMAIL` and `APPLIANCE_ADMIN_PASSWORD` are short forms. Unknown keys are refused with the nearest valid
name: a setting that is misspelt and silently ignored is worse than no setting.

Plain values only: `configuration.py` hands them to the rooms. So reading them is quick, which each command pays for.

`docs/reference/settings.md` lists every key; a test compares it with the classes below.
"""

import difflib
import os
import tomllib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from appliance.foundation import InvalidInput, read_secret

PREFIX = "APPLIANCE_"
SHORT = {
    "DATA_DIR": ("data_dir",),
    "HOST": ("server", "host"),
    "PORT": ("server", "port"),
    "ADMIN_EMAIL": ("admin", "email"),
    "ADMIN_PASSWORD": ("admin", "password"),
}
SECRETS = (
    ("database", "url"),
    ("index", "api_key"),
    ("limits", "url"),
    ("metrics", "token"),
    ("admin", "password"),
)
"""Settings that are secrets, addresses when they hold a password. They come from the environment, or from a file that
`<key>_file` names."""

NOT_SETTINGS = frozenset({"CONFIG", "URL", "API_KEY"})
"""Read by the command line, not by the appliance."""


class SettingsInvalid(InvalidInput):
    """The configuration cannot be used; the message names the key."""

    code = "settings_invalid"


class ServerSection(Struct, forbid_unknown_fields=True, frozen=True):
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 8080
    public_url: str = ""
    """Address that people type, when a proxy stands in front; with https the cookies become secure."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies in front, whose `X-Forwarded-For` is believed."""
    request_log: Literal["off", "errors", "all"] = "all"
    """One line for each request, when it is over."""
    max_body_bytes: Annotated[int, Meta(ge=64 * 1024, le=64 * 1024**2)] = 4 * 1024 * 1024
    """Largest JSON body of a request."""
    max_image_body_bytes: Annotated[int, Meta(ge=64 * 1024, le=256 * 1024**2)] = 32 * 1024 * 1024
    """The same on routes that take pictures inside the body."""


class DatabaseSection(Struct, forbid_unknown_fields=True, frozen=True):
    url: str = ""
    """PostgreSQL as `postgresql://user:password@host/name`. Empty: SQLite in the data folder."""
    url_file: str = ""
    """File that holds the address instead, with its password."""

    def __repr__(self) -> str:
        return "DatabaseSection(url=****)"


class IndexSection(Struct, forbid_unknown_fields=True, frozen=True):
    url: str = ""
    """Qdrant server, as `https://host:6333`. Empty: the embedded index in the data folder."""
    api_key: str = ""
    api_key_file: str = ""
    """File that holds the key instead."""
    timeout_s: Annotated[float, Meta(gt=0)] = 10.0

    def __repr__(self) -> str:
        return f"IndexSection(url={self.url!r}, api_key=****)"


class ModelSection(Struct, forbid_unknown_fields=True, frozen=True):
    id: str
    """A model of the catalogue."""
    base_urls: tuple[str, ...] = ()
    """Engines that run elsewhere, as `http://host:port/v1`. Empty: the appliance runs one itself."""
    engine_args: tuple[str, ...] = ()
    """More arguments for the engine."""
    replicas: Annotated[int, Meta(ge=1, le=64)] = 1
    """Engines of it on this machine."""
    router: bool = False
    """The base URLs are routers in front of several engines: asked for their health, not for a token."""
    fallbacks: tuple[str, ...] = ()
    """Models that answer, the first that can, when no replica of this one takes requests."""
    max_running: Annotated[int, Meta(ge=1, le=65536)] = 1024
    """Most requests at once on a replica."""
    max_waiting: Annotated[int, Meta(ge=0, le=1_000_000)] = 1024
    """Most requests that wait for a replica, in each lane."""
    batch_running: Annotated[int, Meta(ge=0, le=65536)] = 0
    """Most batch requests at once on a replica; 0: 64, or 4 on an engine of this machine without GPU."""


class EnginesSection(Struct, forbid_unknown_fields=True, frozen=True):
    environment_dir: str = ""
    """The engines' own Python environment. Empty: `engine` in the data folder."""
    model_dir: str = ""
    """Model files. Empty: `models` in the data folder."""
    kv_cache_gib: Annotated[int, Meta(ge=1)] = 1
    """Memory for the key-value cache of each engine on a machine without GPU, GiB."""
    watch_interval_s: Annotated[float, Meta(ge=0.1, le=60)] = 2.5
    """A replica that was silent for so long is asked for one token."""
    watch_deadline_s: Annotated[float, Meta(ge=0.1, le=600)] = 5.0
    """It gets no requests when the token has not come in this time, until it comes again."""
    max_wait_s: Annotated[float, Meta(gt=0, le=3600)] = 30.0
    """Longest wait of an interactive request for a replica that is not full; twenty times that for batch work."""
    silence_s: Annotated[float, Meta(ge=1, le=86400)] = 120.0
    """An engine that is waited for and sends nothing for so long is given up. An answer that is not streamed sends
    nothing before its end."""
    models: tuple[ModelSection, ...] = ()
    """What to serve. Empty: what fits this machine."""


class DocumentsSection(Struct, forbid_unknown_fields=True, frozen=True):
    max_file_bytes: Annotated[int, Meta(ge=1, le=2 * 1024**3)] = 256 * 1024 * 1024
    parallel: Annotated[int, Meta(ge=0, le=64)] = 2
    """Documents in work at once in this process; 0 leaves them to `appliance worker`, which needs PostgreSQL."""
    worker_name: str = ""
    """Who this process is in the job store; after a crash it takes up its own work. Empty: told by host and folder."""
    passage_characters: Annotated[int, Meta(ge=200, le=4000)] = 1000


class FilesSection(Struct, forbid_unknown_fields=True, frozen=True):
    max_bytes: Annotated[int, Meta(ge=1, le=2 * 1024**3)] = 512 * 1024 * 1024
    """Largest file of an upload to `/v1/files`."""


class BatchesSection(Struct, forbid_unknown_fields=True, frozen=True):
    parallel: Annotated[int, Meta(ge=0, le=256)] = 8
    """Lines of batches in work at once in this process; 0 leaves them to other gateways on the same database."""
    max_requests: Annotated[int, Meta(ge=1, le=1_000_000)] = 50_000
    """Most lines of a batch's input."""
    max_file_bytes: Annotated[int, Meta(ge=1, le=2 * 1024**3)] = 200 * 1024 * 1024
    """Largest input of a batch."""


class ResponsesSection(Struct, forbid_unknown_fields=True, frozen=True):
    retention_days: Annotated[int, Meta(ge=1, le=3650)] = 30
    """How long what `/v1/responses` stores is kept."""
    background_at_most: Annotated[int, Meta(ge=0, le=100_000)] = 200
    """Responses written in the background at once by this process; 0 turns it off."""


class OidcSection(Struct, forbid_unknown_fields=True, frozen=True):
    issuer: str = ""
    """The identity provider, exactly as it names itself in tokens: `https://host/realms/name` with Keycloak."""
    client_id: str = ""
    """The appliance's own client at the provider."""
    client_secret_file: str = ""
    """File that holds the client's secret and nothing else."""
    audience: str = ""
    """What access tokens must be for (`aud`). Empty: the client id."""
    allowed_azp: tuple[str, ...] = ()
    """Clients whose access tokens are taken (`azp`). Empty: only the appliance's own."""
    groups_claim: str = "groups"
    """Claim with the full paths of a person's groups."""
    roles_claim: str = "realm_access.roles"
    """Claim with a person's roles at the provider; dots lead into objects."""
    admitted_groups: tuple[str, ...] = ()
    """Members of these groups, and of groups inside them, get an account by a login. Empty: nobody does."""
    role_groups: dict[str, tuple[str, ...]] = {}
    """Role → groups whose members have it."""
    strict_groups: bool = False
    """Whether leaving a group at the provider takes the person out of it here too."""
    untyped_access_tokens: bool = False
    """Take access tokens that do not say that they are some, of providers that never say it."""
    leeway_s: Annotated[int, Meta(ge=0, le=30)] = 30
    """How far the provider's clock may be off, seconds."""
    step_up_acr: str = ""
    """`acr` of a login that is strong enough for what needs a fresh proof. Empty: nothing needs one."""
    ca_file: str = ""
    """Authorities that sign the provider's certificate, in PEM. Empty: those of the machine."""
    timeout_s: Annotated[float, Meta(ge=0.5, le=30)] = 5.0
    """Longest wait for an answer of the provider."""
    session_key_file: str = ""
    """Seals the provider's tokens at rest. Empty: `secrets/session-key` in the data folder, made at a start."""
    check_interval_s: Annotated[float, Meta(ge=1, le=3600)] = 15.0
    """How often the provider is asked about each session in use."""
    keys_unconfirmed_h: Annotated[int, Meta(ge=0, le=8760)] = 168
    """API keys of a person whom the provider has not vouched for within so many hours stop until it does. Not where a
    Keycloak realm is followed, nor for accounts of SCIM: there it is said when somebody is shut out. 0: never."""
    directory_client_id: str = ""
    """Client that may read people, groups and events of a Keycloak realm, which are followed then."""
    directory_secret_file: str = ""
    """File that holds this client's secret and nothing else."""


class IdentitySection(Struct, forbid_unknown_fields=True, frozen=True):
    mode: Literal["local", "oidc"] = "local"
    """Who says who somebody is: accounts of the appliance, or an identity provider."""
    password_min_length: Annotated[int, Meta(ge=8, le=128)] = 12
    session_idle_min: Annotated[int, Meta(ge=5, le=10_080)] = 720
    """A session that is not used for so long is over."""
    session_longest_h: Annotated[int, Meta(ge=1, le=720)] = 168
    """A session is over after this time, used or not."""
    oidc: OidcSection = OidcSection()


class LimitsSection(Struct, forbid_unknown_fields=True, frozen=True):
    url: str = ""
    """Valkey or Redis in which several gateways share limits, as `redis://:password@host:6379/0`."""
    url_file: str = ""
    """File that holds the address instead, with its password."""
    concurrent_requests: Annotated[int, Meta(ge=0)] = 4096
    """Requests of one user at once, where no limit says otherwise; 0 is no bound."""
    settle_wait_s: Annotated[float, Meta(ge=0, le=300)] = 10.0
    """Longest wait of a request for running ones to give back what they do not use of a budget."""
    lease_timeout_s: Annotated[float, Meta(ge=5, le=86400)] = 60.0
    """After so long without a sign of a gateway, others may use what it had leased and not used."""

    def __repr__(self) -> str:
        return f"LimitsSection(url=****, concurrent_requests={self.concurrent_requests})"


class MetricsSection(Struct, forbid_unknown_fields=True, frozen=True):
    token: Annotated[str, Meta(pattern=r"^(\S{16,200})?$")] = ""
    """Lets a collector read `/metrics`, as `Authorization: Bearer <token>`. Empty: only administrators."""
    token_file: str = ""
    """File that holds the token instead."""
    groups: tuple[uuid.UUID, ...] = ()
    """Ids of groups whose use is counted by themselves; the others are counted together."""

    def __repr__(self) -> str:
        return f"MetricsSection(token=****, groups={self.groups!r})"


class TracesSection(Struct, forbid_unknown_fields=True, frozen=True):
    endpoint: str = ""
    """Collector of traces, as `http://host:4318`; spans go to `/v1/traces` there. Empty: none are made."""


class AuditSection(Struct, forbid_unknown_fields=True, frozen=True):
    folder: str = ""
    """Signed checkpoints and the key that signs them, best on another disk. Empty: `audit` in the data folder."""
    retention_days: Annotated[int, Meta(ge=0, le=36500)] = 0
    """How long events are kept; 0: for ever."""


class AdminSection(Struct, forbid_unknown_fields=True, frozen=True):
    email: str = "admin@localhost"
    """First start only: address of the first administrator."""
    password: str = ""
    """First start only. Empty: one is made and shown once."""
    password_file: str = ""
    """File that holds the password instead."""

    def __repr__(self) -> str:
        return f"AdminSection(email={self.email!r}, password=****)"


class Settings(Struct, forbid_unknown_fields=True, frozen=True):
    data_dir: str = ""
    """All state lies here. Empty: `appliance` in the user's data folder."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    server: ServerSection = ServerSection()
    database: DatabaseSection = DatabaseSection()
    index: IndexSection = IndexSection()
    engines: EnginesSection = EnginesSection()
    documents: DocumentsSection = DocumentsSection()
    files: FilesSection = FilesSection()
    batches: BatchesSection = BatchesSection()
    responses: ResponsesSection = ResponsesSection()
    identity: IdentitySection = IdentitySection()
    limits: LimitsSection = LimitsSection()
    metrics: MetricsSection = MetricsSection()
    traces: TracesSection = TracesSection()
    audit: AuditSection = AuditSection()
    admin: AdminSection = AdminSection()

    @property
    def data(self) -> Path:
        return Path(self.data_dir).expanduser().absolute()

    @property
    def run_dir(self) -> Path:
        """Files that live as long as the process: the operator's token, the lock."""
        return self.data / "run"

    @property
    def operator_file(self) -> Path:
        """Address and token for this machine's command line; readable by the owner of the data folder only."""
        return self.run_dir / "operator.json"

    @property
    def log_dir(self) -> Path:
        return self.data / "logs"

    @property
    def origin(self) -> str:
        """`public_url` as browsers write it in `Origin`; empty when none is set."""
        parts = urlsplit(self.server.public_url)
        port = parts.port if parts.port not in (None, {"http": 80, "https": 443}.get(parts.scheme)) else None
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}{f':{port}' if port else ''}" if self.server.public_url else ""

    @property
    def url(self) -> str:
        host = "127.0.0.1" if self.server.host in ("0.0.0.0", "::", "") else self.server.host  # noqa: S104 - compared, not bound
        return self.server.public_url.rstrip("/") or f"http://{host}:{self.server.port}"


def load(config: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read file and environment.

    Raises:
        SettingsInvalid: a key is unknown, a value does not fit, or the file cannot be read.
    """
    env = os.environ if environment is None else environment
    given = _from_environment(env)
    data_dir = str(given.get("data_dir") or _default_data_dir(env))
    file = config or (Path(env[PREFIX + "CONFIG"]) if env.get(PREFIX + "CONFIG") else None)
    if file is None and (Path(data_dir) / "appliance.toml").is_file():
        file = Path(data_dir) / "appliance.toml"
    written = _from_file(file) if file else {}
    _refuse_clear_secrets(written, str(file))
    merged = _merge(written, given)
    merged.setdefault("data_dir", data_dir)
    _refuse_unknown(merged, Settings, "")
    try:
        settings = msgspec.convert(_with_secrets(merged), Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(f"The configuration does not fit: {error}.") from error
    _check_public_url(settings.server.public_url)
    return settings


def _refuse_clear_secrets(written: Mapping[str, Any], file: str) -> None:
    """A file of settings is shown around, copied and versioned: no secret stands in it. Raises SettingsInvalid."""
    for section, key in SECRETS:
        given = written.get(section, {})
        value = given.get(key, "") if isinstance(given, dict) else ""
        if value and (key != "url" or _has_password(str(value))):
            variable = f"{PREFIX}{section}_{key}".upper()
            raise SettingsInvalid(
                f"{file} holds a secret in clear: '{section}.{key}'.",
                remedy=f"Write it into a file of its own and name that as '{section}.{key}_file', or set {variable}.",
            )


def _with_secrets(values: dict[str, Any]) -> dict[str, Any]:
    """The values with what the files of secrets hold. Raises SettingsInvalid or SecretUnusable."""
    filled = dict(values)
    for section, key in SECRETS:
        given = filled.get(section, {})
        file = given.get(f"{key}_file") if isinstance(given, dict) else None
        if not isinstance(file, str) or not file:
            continue
        if given.get(key):
            raise SettingsInvalid(f"'{section}.{key}' and '{section}.{key}_file' are both set.", remedy="Keep one.")
        filled[section] = {**given, key: read_secret(f"{section}.{key}_file", file)}
    return filled


def _has_password(url: str) -> bool:
    try:
        return urlsplit(url).password is not None
    except ValueError:
        return True


def _check_public_url(url: str) -> None:
    """Raises SettingsInvalid unless it is empty or an origin: browsers compare it letter by letter."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if url and (not good or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc):
        raise SettingsInvalid(
            f"server.public_url '{url}' is not an address of a whole host.",
            remedy="Write it as https://chat.example.org, without a path.",
        )


def environment_value(name: str) -> str | None:
    """`APPLIANCE_<name>` for the command line's own variables (`URL`, `API_KEY`)."""
    return os.environ.get(PREFIX + name) or None


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsInvalid(
            f"{file} cannot be read: {error}.", remedy="Correct the file, or name another."
        ) from error


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in env.items():
        if not name.startswith(PREFIX) or not value:
            continue
        key = name.removeprefix(PREFIX)
        if key in NOT_SETTINGS:
            continue
        path = SHORT.get(key) or _path(key)
        inner = found
        for section in path[:-1]:
            inner = inner.setdefault(section, {})
        inner[path[-1]] = value
    return found


def _path(key: str, kind: type[Struct] | None = None) -> tuple[str, ...]:
    """`ENGINES_MODEL_DIR` → (`engines`, `model_dir`); sections inside sections likewise."""
    lower = key.lower()
    for field in msgspec.structs.fields(kind or Settings):
        if isinstance(field.type, type) and issubclass(field.type, Struct) and lower.startswith(f"{field.name}_"):
            return field.name, *_path(lower.removeprefix(f"{field.name}_"), field.type)
    return (lower,)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        merged[key] = _merge(inner, value) if isinstance(value, dict) and isinstance(inner, dict) else value
    return merged


def _refuse_unknown(values: dict[str, Any], kind: type[Struct], where: str) -> None:
    fields = {f.name: f.type for f in msgspec.structs.fields(kind)}
    for key, value in values.items():
        if key not in fields:
            near = difflib.get_close_matches(key, list(fields), n=1)
            hint = f"Did you mean '{where}{near[0]}'?" if near else f"Valid are: {', '.join(sorted(fields))}."
            raise SettingsInvalid(f"There is no setting '{where}{key}'.", remedy=hint)
        inner = fields[key]
        if isinstance(inner, type) and issubclass(inner, Struct) and isinstance(value, dict):
            _refuse_unknown(value, inner, f"{where}{key}.")
        item = get_args(inner)[0] if get_origin(inner) is tuple else None
        if isinstance(item, type) and issubclass(item, Struct) and isinstance(value, list):
            for element in value:
                if isinstance(element, dict):
                    _refuse_unknown(element, item, f"{where}{key}.")


def _default_data_dir(env: Mapping[str, str]) -> Path:
    base = env.get("XDG_DATA_HOME") or str(Path(env.get("HOME") or Path.home()) / ".local" / "share")
    return Path(base) / "appliance"

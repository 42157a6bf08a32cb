"""From the settings, as people write them, to the values that each room takes."""

import socket
from datetime import timedelta
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from appliance.audit import AuditSettings
from appliance.documents import DocumentSettings
from appliance.foundation import read_secret
from appliance.identity import AdmissionRules, IdentitySettings, Role
from appliance.identity.oidc import OidcMisconfigured, OidcSettings
from appliance.identity.oidc.settings import is_loopback
from appliance.identity.sso import SsoSettings
from appliance.index import IndexSettings
from appliance.inference import InferenceSettings, ModelChoice
from appliance.openai_api import BatchSettings, DoorSettings, FileSettings, ResponseSettings
from appliance.settings import Settings
from appliance.storage import StorageSettings
from appliance.usage import UsageSettings

SQLITE = "sqlite+aiosqlite:///"
LIVELY = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""A server that lost its power closes no connection: the kernel would ask it for a quarter of an hour. Seconds, but the
last one in milliseconds. Whatever the address itself says counts more."""


def storage_settings(settings: Settings) -> StorageSettings:
    url = _postgres(settings.database.url) or f"{SQLITE}{settings.data / 'appliance.db'}"
    return StorageSettings(database_url=url, files_dir=settings.data / "files")


def _postgres(url: str) -> str:
    """The address with the driver's name and its patience; empty stays empty."""
    if not url:
        return ""
    address, _, given = url.replace("postgresql://", "postgresql+psycopg://", 1).partition("?")
    known = {word.partition("=")[0] for word in given.split("&")}
    more = [f"{key}={value}" for key, value in LIVELY.items() if key not in known]
    return f"{address}?{'&'.join([*filter(None, [given]), *more])}"


def audit_settings(settings: Settings) -> AuditSettings:
    days = settings.audit.retention_days
    return AuditSettings(
        folder=Path(settings.audit.folder or settings.data / "audit").absolute(),
        retention=timedelta(days=days) if days else None,
    )


def identity_settings(settings: Settings) -> IdentitySettings:
    return IdentitySettings(
        secure_cookie=urlsplit(settings.url).scheme == "https",
        password_min_length=settings.identity.password_min_length,
        session_idle=timedelta(minutes=settings.identity.session_idle_min),
        session_longest=timedelta(hours=settings.identity.session_longest_h),
        mode=settings.identity.mode,
        oidc=oidc_settings(settings),
        keys_confirmed_for=_keys_confirmed_for(settings),
    )


def _keys_confirmed_for(settings: Settings) -> timedelta | None:
    """None where nobody must be vouched for again, or where it is said at once when somebody is shut out."""
    given = settings.identity.oidc
    if settings.identity.mode != "oidc" or given.directory_client_id or not given.keys_unconfirmed_h:
        return None
    return timedelta(hours=given.keys_unconfirmed_h)


def oidc_settings(settings: Settings) -> OidcSettings | None:
    """The identity provider; None when none is named. Raises OidcMisconfigured."""
    given = settings.identity.oidc
    if not given.issuer:
        if settings.identity.mode == "oidc":
            raise OidcMisconfigured("identity.mode is 'oidc', and identity.oidc.issuer names no identity provider.")
        return None
    unknown = sorted(set(given.role_groups) - set(get_args(Role)))
    if unknown:
        raise OidcMisconfigured(
            f"identity.oidc.role_groups has no role '{unknown[0]}'.", remedy=f"Roles: {', '.join(get_args(Role))}."
        )
    return OidcSettings(
        issuer=given.issuer,
        client_id=given.client_id,
        client_secret=_secret("identity.oidc.client_secret_file", given.client_secret_file),
        audience=given.audience,
        allowed_azp=frozenset(given.allowed_azp),
        groups_claim=given.groups_claim,
        roles_claim=given.roles_claim,
        admitted_groups=frozenset(given.admitted_groups),
        role_groups={role: frozenset(groups) for role, groups in given.role_groups.items()},
        strict_groups=given.strict_groups,
        untyped_access_tokens=given.untyped_access_tokens,
        leeway_s=given.leeway_s,
        step_up_acr=given.step_up_acr,
        ca_file=Path(given.ca_file) if given.ca_file else None,
        timeout_s=given.timeout_s,
    ).checked()


def admission_rules(settings: Settings) -> AdmissionRules:
    """Whom a login lets in. Without an identity provider nobody."""
    given = settings.identity.oidc
    return AdmissionRules(
        admitted_groups=frozenset(given.admitted_groups),
        role_groups={role: frozenset(given.role_groups.get(role, ())) for role in get_args(Role)}
        if given.role_groups
        else {},
        strict_groups=given.strict_groups,
    )


def sso_settings(settings: Settings) -> SsoSettings:
    """Raises OidcMisconfigured: browsers would not keep the cookie safe, or a secret cannot be read."""
    given, parts = settings.identity.oidc, urlsplit(settings.url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise OidcMisconfigured(
            f"identity.mode is 'oidc', and people would reach the appliance at {settings.url}, in clear.",
            remedy="Put TLS in front, and write the address as people type it into server.public_url.",
        )
    return SsoSettings(
        url=settings.url,
        key_file=Path(given.session_key_file or settings.data / "secrets" / "session-key").absolute(),
        secure_cookie=parts.scheme == "https",
        check_interval_s=given.check_interval_s,
        directory_client=given.directory_client_id,
        directory_secret=_secret("identity.oidc.directory_secret_file", given.directory_secret_file),
    )


def _secret(name: str, file: str) -> str:
    """Empty when no file is named. Raises SecretUnusable."""
    return read_secret(name, file) if file else ""


def document_settings(settings: Settings, *, worker: bool = False) -> DocumentSettings:
    """`worker`: of a process that only works; then `parallel` is at least 1 whatever a shared file says of gateways."""
    jobs = _postgres(settings.database.url)
    return DocumentSettings(
        jobs_database_url=jobs or f"sqlite:///{settings.data / 'jobs.db'}",
        max_file_bytes=settings.documents.max_file_bytes,
        parallel=max(settings.documents.parallel, 1) if worker else settings.documents.parallel,
        worker_name=worker_name(settings, worker=worker),
        passage_characters=settings.documents.passage_characters,
    )


def worker_name(settings: Settings, *, worker: bool) -> str:
    """Who a process is in the job store, the same after a restart.

    With SQLite there is one process per data folder, wherever the folder is moved; with PostgreSQL there are several.
    """
    if settings.documents.worker_name:
        return settings.documents.worker_name
    if not settings.database.url:
        return "local"
    return f"{'worker' if worker else 'gateway'}@{socket.gethostname()}:{settings.data}"


def door_settings(settings: Settings) -> DoorSettings:
    return DoorSettings(
        public_url=settings.url,
        files=FileSettings(max_bytes=settings.files.max_bytes),
        batches=BatchSettings(
            runner=worker_name(settings, worker=False),
            parallel=settings.batches.parallel,
            max_requests=settings.batches.max_requests,
            max_file_bytes=settings.batches.max_file_bytes,
        ),
        responses=ResponseSettings(
            retention=timedelta(days=settings.responses.retention_days),
            runner=worker_name(settings, worker=False),
            background_at_most=settings.responses.background_at_most,
        ),
    )


def index_settings(settings: Settings) -> IndexSettings:
    return IndexSettings(
        kind="qdrant" if settings.index.url else "edge",
        folder=settings.data / "index",
        url=settings.index.url,
        api_key=settings.index.api_key,
        timeout_s=settings.index.timeout_s,
    )


def inference_settings(settings: Settings) -> InferenceSettings:
    engines = settings.engines
    return InferenceSettings(
        engine_dir=Path(engines.environment_dir or settings.data / "engine").absolute(),
        model_dir=Path(engines.model_dir or settings.data / "models").absolute(),
        log_dir=settings.log_dir,
        models=tuple(
            ModelChoice(
                id=m.id,
                base_urls=m.base_urls,
                engine_args=m.engine_args,
                replicas=m.replicas,
                router=m.router,
                fallbacks=m.fallbacks,
                max_running=m.max_running,
                max_waiting=m.max_waiting,
                batch_running=m.batch_running,
            )
            for m in engines.models
        ),
        cpu_kv_cache_gib=engines.kv_cache_gib,
        watch_interval_s=engines.watch_interval_s,
        watch_deadline_s=engines.watch_deadline_s,
        max_wait_s=engines.max_wait_s,
        silence_s=engines.silence_s,
    )


def usage_settings(settings: Settings) -> UsageSettings:
    return UsageSettings(
        folder=settings.data / "usage",
        url=settings.limits.url,
        lease_timeout_s=settings.limits.lease_timeout_s,
        concurrent_requests=settings.limits.concurrent_requests,
        settle_wait_s=settings.limits.settle_wait_s,
    )

"""Composition: builds every part from the settings and wires them. No business here, and nothing is started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.answers import Answers, Assistants
from appliance.audit import Audit
from appliance.chat import BreakGlass, ChatService, ChatSettings, ConversationRepository
from appliance.configuration import (
    admission_rules,
    audit_settings,
    document_settings,
    door_settings,
    identity_settings,
    index_settings,
    inference_settings,
    sso_settings,
    storage_settings,
    usage_settings,
)
from appliance.documents import DocumentJobs, DocumentService, Ingest, Renderer
from appliance.edge import RequestLog
from appliance.explain import Explaining, explaining
from appliance.foundation import Clock, SystemClock
from appliance.identity import (
    Access,
    Accounts,
    GroupAdministrators,
    Groups,
    HashCost,
    IdentitySettings,
    Keys,
    Leases,
    Passwords,
    People,
    RightsCache,
    ScimDoor,
    SealedAccount,
    ServiceAccounts,
)
from appliance.identity.oidc import open_oidc
from appliance.identity.sso import open_sign_on
from appliance.index import PassageIndex, open_index
from appliance.inference import Engines
from appliance.library import Collections, Documents, IngestLog, Shelf
from appliance.metrics import Meters
from appliance.monitoring import MetricsPage
from appliance.openai_api import Beneath, OpenAiDoor, kept_files
from appliance.retrieval import Retrieval
from appliance.settings import Settings
from appliance.storage import Database, FileStore
from appliance.traces import Tracing, open_tracing
from appliance.usage import Usage, UsageReports, UsageStore, shared_pool

if TYPE_CHECKING:
    from appliance.identity.oidc.door import OidcDoor
    from appliance.identity.sso.parts import SsoParts


@dataclass(frozen=True, slots=True)
class Callers:
    """What decides who is calling."""

    identity: IdentitySettings
    rights: RightsCache
    people: People
    accounts: Accounts
    oidc: OidcDoor | None
    """The identity provider; None while people are accounts of our own."""
    sso: SsoParts | None
    """People in a browser who come through it."""
    sealed_account: SealedAccount
    access: Access


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that is alive in the process, built in the order of the floors."""

    settings: Settings
    database: Database
    audit: Audit
    callers: Callers
    keys: Keys
    service_accounts: ServiceAccounts
    groups: Groups
    scim: ScimDoor
    group_administrators: GroupAdministrators
    engines: Engines
    index: PassageIndex
    jobs: DocumentJobs
    documents: DocumentService
    renderer: Renderer
    retrieval: Retrieval
    answers: Answers
    assistants: Assistants
    chat: ChatService
    break_glass: BreakGlass
    explaining: Explaining
    usage: Usage
    usage_reports: UsageReports
    door: OpenAiDoor
    meters: Meters
    metrics_page: MetricsPage
    request_log: RequestLog
    tracing: Tracing | None

    @property
    def identity_settings(self) -> IdentitySettings:
        return self.callers.identity

    @property
    def people(self) -> People:
        return self.callers.people

    @property
    def accounts(self) -> Accounts:
        return self.callers.accounts

    @property
    def access(self) -> Access:
        return self.callers.access

    @property
    def oidc(self) -> OidcDoor | None:
        return self.callers.oidc

    @property
    def sso(self) -> SsoParts | None:
        return self.callers.sso

    @property
    def sealed_account(self) -> SealedAccount:
        return self.callers.sealed_account


def _callers(
    settings: Settings,
    database: Database,
    clock: Clock,
    audit: Audit,
    shelf: Shelf,
    hash_cost: HashCost | None,
) -> Callers:
    identity = identity_settings(settings)
    rights, passwords = RightsCache(clock), Passwords(min_length=identity.password_min_length, cost=hash_cost)
    accounts = Accounts(database, clock, rights, admission_rules(settings))
    oidc = open_oidc(identity, accounts, database, rights, clock)
    tokens = None if oidc is None else oidc.bearer
    leases = Leases(database, clock, rights, shelf.readers, identity.keys_confirmed_for)
    sso = None
    if oidc is not None:
        sso = open_sign_on(sso_settings(settings), identity, oidc, accounts, audit, database, rights, clock)
    return Callers(
        identity=identity,
        rights=rights,
        people=People(database, clock, passwords, rights),
        accounts=accounts,
        oidc=oidc,
        sso=sso,
        sealed_account=SealedAccount(database, clock, passwords, rights, identity),
        access=Access(database, clock, passwords, rights, identity, audit, tokens, leases),
    )


def build_parts(settings: Settings, *, worker: bool = False, hash_cost: HashCost | None = None) -> Parts:
    """Construct, without starting anything. `worker`: for a process that takes in documents and answers nobody."""
    clock, storage = SystemClock(), storage_settings(settings)
    database = Database(storage)
    audit = Audit(database, audit_settings(settings))
    shelf, ingest_log = Shelf(database), IngestLog(database, clock)
    callers = _callers(settings, database, clock, audit, shelf, hash_cost)
    access = callers.access
    meters = Meters(settings.metrics.groups)
    engines = Engines(inference_settings(settings), watcher=meters.pools)
    index = open_index(index_settings(settings))
    kept = kept_files(database, clock)
    files = FileStore(storage.files_dir, [ingest_log.used_files, *kept.used()])
    learning = document_settings(settings, worker=worker)
    ingest = Ingest(ingest_log, files, index, engines, learning)
    jobs = DocumentJobs(ingest, ingest_log, learning)
    documents = DocumentService(Collections(database, clock), Documents(database, clock), shelf, files, jobs, learning)
    retrieval = Retrieval(shelf, index, engines)
    assistants = Assistants.built_in(engines.default_chat_model())
    answers = Answers(retrieval, engines, engines, meters=meters)
    meters.know(models=[f.model_id for f in engines.list_facts()], assistants=[a.id for a in assistants.all()])
    limits = usage_settings(settings)
    usage = Usage(UsageStore(database), clock, limits, shared_pool(database, limits))
    conversations = ConversationRepository(database, clock)
    beneath = Beneath(
        database, clock, files, kept, access, engines, usage, documents, shelf, retrieval, answers, assistants, meters
    )
    return Parts(
        settings=settings,
        database=database,
        audit=audit,
        callers=callers,
        keys=Keys(database, clock, callers.rights, callers.identity),
        service_accounts=ServiceAccounts(database, clock, callers.rights),
        groups=Groups(database, callers.rights),
        scim=ScimDoor(database, clock, callers.rights),
        group_administrators=GroupAdministrators(database, callers.rights),
        engines=engines,
        index=index,
        jobs=jobs,
        documents=documents,
        renderer=Renderer(callers.people, documents),
        retrieval=retrieval,
        answers=answers,
        assistants=assistants,
        break_glass=BreakGlass(database, clock, callers.people),
        chat=ChatService(conversations, answers, assistants, usage, ChatSettings(), access.leases),
        explaining=explaining(database, access, callers.people, documents, conversations, assistants, retrieval, audit),
        usage=usage,
        usage_reports=UsageReports(database),
        door=OpenAiDoor(beneath, door_settings(settings)),
        meters=meters,
        metrics_page=MetricsPage(meters, engines, usage, ingest_log),
        request_log=RequestLog(settings.server.request_log),
        tracing=open_tracing(settings.traces.endpoint),
    )

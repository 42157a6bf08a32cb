/** The wire types of docs/reference/http-api.md, name for name. */

export interface GroupRef {
  id: string;
  name: string;
}

export type Role =
  | "user"
  | "assistant_owner"
  | "knowledge_owner"
  | "group_administrator"
  | "operator"
  | "auditor"
  | "administrator";

export type Permission =
  | "account.use"
  | "keys.manage"
  | "models.use"
  | "chats.keep"
  | "files.keep"
  | "collections.read"
  | "collections.manage"
  | "access.explain"
  | "access.simulate"
  | "accounts.read"
  | "accounts.manage"
  | "roles.give"
  | "groups.read"
  | "groups.manage"
  | "service_accounts.manage"
  | "directory.manage"
  | "models.check"
  | "models.manage"
  | "limits.manage"
  | "metrics.read"
  | "usage.read"
  | "audit.read"
  | "break_glass.ask"
  | "break_glass.approve";

/** `own`: what is the caller's or shared with them; for groups, those that they administer. */
export type Reach = "no" | "own" | "any";

export interface Permissions {
  roles: Role[];
  permissions: { permission: Permission; what: string; reach: Record<Role, Reach> }[];
  mine: Record<Permission, Reach>;
}

export interface Way {
  kind: "owner" | "everyone" | "named" | "group";
  /** Of a group: from one that the account is in itself to the one that reads. */
  chain: GroupRef[];
}

export interface Explanation {
  account: GroupRef;
  object: { kind: string; id: string; name: string };
  collection: GroupRef | null;
  allowed: boolean;
  ways: Way[];
  limits: { kind: "account_shut" | "key_scope" | "private" }[];
  readers: string[] | null;
}

export interface SeenCollection {
  id: string;
  name: string;
  visible: boolean;
  ways: Way[];
}

export interface FoundAs {
  passage_id: string;
  document: GroupRef;
  collection: GroupRef;
  page: number | null;
  text: string;
  score: number;
}

export interface Me {
  id: string;
  email: string;
  name: string;
  roles: Role[];
  groups: GroupRef[];
  must_change_password: boolean;
}

export interface User {
  id: string;
  email: string;
  name: string;
  roles: Role[];
  groups: GroupRef[];
  disabled: boolean;
  created_at: string;
  kind: "person" | "service";
}

/** `password` is there only when the server made one; it is shown once. */
export type CreatedUser = User & { password?: string | null };

export interface GroupDetails extends GroupRef {
  members: GroupRef[];
  administrators: GroupRef[];
  can_manage: boolean;
}

export interface Group {
  id: string;
  name: string;
  member_count: number;
  /** Who keeps its members. */
  source: "local" | "oidc" | "scim";
  /** Groups that it is inside of: its members count as theirs too. */
  parents: GroupRef[];
}

/** A request to read another person's conversations. */
export interface BreakGlass {
  id: string;
  person_id: string;
  person: string;
  asked_by_id: string;
  asked_by: string;
  reason: string;
  minutes: number;
  asked_at: string;
  state: "requested" | "lapsed" | "approved" | "refused" | "ended" | "over";
  decided_by: string;
  until: string | null;
  read_count: number;
}

/** What the person is told about it. */
export interface BreakGlassNotice {
  id: string;
  asked_by: string;
  approved_by: string;
  reason: string;
  until: string | null;
  state: "approved" | "ended" | "over";
  read_count: number;
  seen: boolean;
}

/** Null is everything that the account may, an empty list is nothing. */
export interface KeyScope {
  models: string[] | null;
  assistants: string[] | null;
  collections: string[] | null;
  endpoints: string[] | null;
}

export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  scope: KeyScope;
  created_at: string;
  expires_at: string;
  last_used_at: string | null;
  /** Until when the secret of before a rotation works. */
  previous_until: string | null;
}

export interface ServiceAccount {
  id: string;
  name: string;
  address: string;
  owner: { kind: string; id: string; name: string };
  disabled: boolean;
  created_at: string;
  groups: GroupRef[];
}

/** `key` is the secret itself; no later call returns it. */
export type CreatedApiKey = ApiKey & { key: string };

export type ModelState = "starting" | "ready" | "restarting" | "failed" | "stopped";

/** What a model was last seen to do; null as long as nobody has checked. */
export interface Conformance {
  checked_at: string;
  engine: string;
  checks: ModelCheck[];
}

export interface ModelCheck {
  name: string;
  outcome: "passed" | "failed" | "not_applicable";
  detail: string;
  seconds: number;
}

export interface Model {
  id: string;
  task: string;
  state: ModelState;
  ready: boolean;
  detail: string;
  context_tokens: number;
  licence: string;
  parameters_billion: number;
  languages: string[];
  abilities: string[];
  conformance: Conformance | null;
}

export interface Assistant {
  id: string;
  name: string;
  description: string;
  model_id: string;
  kind: "documents" | "chat";
  starters: string[];
}

export type Reader =
  | { kind: "everyone"; id?: null; name?: string | null }
  | { kind: "user" | "group"; id: string; name?: string | null };

export interface CollectionCounts {
  total: number;
  indexed: number;
  partial: number;
  refused: number;
  processing: number;
}

export interface Collection {
  id: string;
  name: string;
  description: string;
  owner: { id: string; name: string };
  readers: Reader[];
  can_write: boolean;
  counts: CollectionCounts;
  embedding_model: string;
}

export type DocumentState = "queued" | "processing" | "indexed" | "partial" | "refused";

export interface Document {
  id: string;
  collection_id: string;
  name: string;
  path: string;
  media_type: string;
  state: DocumentState;
  /** A sentence for people with `partial` and `refused`, else empty. */
  reason: string;
  stage: string;
  percent: number;
  version_number: number;
  page_count: number;
  passage_count: number;
  size_bytes: number;
  updated_at: string;
}

export interface DocumentVersion {
  number: number;
  state: DocumentState;
  created_at: string;
  size_bytes: number;
  sha256: string;
  passage_count: number;
}

export type DocumentDetail = Document & { versions: DocumentVersion[] };

/** Left, top, right, bottom as shares of the page, 0 to 1, from the top left corner. */
export type Box = [number, number, number, number];

export interface PageBlock {
  kind: string;
  text: string;
  heading_path: string[];
  box?: Box | null;
}

export interface DocumentPage {
  document_id: string;
  version_number: number;
  page: number;
  page_count: number;
  blocks: PageBlock[];
  has_image: boolean;
}

export interface Passage {
  id: string;
  text: string;
  page: number | null;
  page_end: number | null;
  heading_path: string[];
  boxes: [number, Box][];
  document: Document;
  collection: { id: string; name: string };
  version_number: number;
  is_current: boolean;
}

export interface Citation {
  number: number;
  passage_id: string;
  document_id: string;
  version_number: number;
  document_name: string;
  collection_id: string;
  collection_name: string;
  page: number | null;
  heading_path: string[];
  quote: string;
}

export type Grounding = "grounded" | "not_in_documents" | "unsupported" | "no_search";

export interface ConversationSummary {
  id: string;
  title: string;
  updated_at: string;
}

export type TurnState = "running" | "finished" | "failed" | "stopped";

export interface TurnError {
  code: string;
  message: string;
}

export interface Turn {
  id: string;
  question: string;
  answer: string;
  state: TurnState;
  /** Empty until the turn has finished. */
  grounding: Grounding | "";
  citations: Citation[];
  searched: string[];
  assistant_id: string | null;
  error?: TurnError | null;
  created_at: string;
}

export type Conversation = ConversationSummary & { turns: Turn[] };

export interface Question {
  question: string;
  assistant_id?: string;
  collection_ids?: string[];
}

export type AnswerStage = "searching" | "reading" | "writing";

/** The events of one turn, tagged by the name of the server-sent event. */
export type AnswerEvent =
  | { type: "turn"; id: string; conversation_id: string }
  | { type: "stage"; stage: AnswerStage; detail: string }
  | { type: "passages"; count: number; searched: string[] }
  | { type: "token"; text: string }
  | {
      type: "finished";
      text: string;
      citations: Citation[];
      grounding: Grounding;
      finish_reason: string;
      usage: { prompt_tokens: number; completion_tokens: number };
      searched: string[];
    }
  | { type: "failed"; code: string; message: string; retry_after_s?: number | null };

"""Who may call what, written down a second time: what the matrix holds the application against.

It is not made from the application: a guard that is taken away there must differ from what stands here. Only how far
each role goes with a permission is read from the product's own table of roles.

A line: the call; what it asks for; of what kind the object is that its path names, and what is done to it:

- `read`: readers of a collection, owners of anything else;
- `manage`: the owner, or `any`; a reader gets 403;
- `manage read`: as `manage`, and the caller must be able to read it;
- `explain`: who can read it, and whoever may explain any;
- nothing: there is no object, or the permission alone decides.

Flags: `session` not with a key; `whole` not with a narrowed key; `person` not with one either, nor with the operator's
token; `makes` not with a key for some collections; `uses-up` the object is gone after it; `ends` the session is over
after it; `calm` taking away what is not there is fine; a number: this status, too, is what somebody who is let in gets.
`scim`: only with a program's key for provisioning, which nobody here has.
"""

from dataclasses import dataclass

POLICY = """
POST   /auth/login                          | public             |            |             | 401
GET    /auth/session                        | public             |            |             |
POST   /auth/logout                         | account.use        |            |             | session ends
GET    /auth/oidc/login                     | public             |            |             | 404
GET    /auth/oidc/callback                  | public             |            |             | 404
POST   /auth/oidc/backchannel               | public             |            |             | 404
POST   /api/break-glass-account/seal        | accounts.manage any |           |             | 403
POST   /api/break-glass-account/open        | accounts.manage any |           |             | 403
GET    /health/live                         | public             |            |             |
GET    /health/ready                        | public             |            |             | 503
GET    /metrics                             | metrics.read       |            |             |
GET    /api/me                              | account.use        |            |             |
POST   /api/me/password                     | account.use        |            |             | session 400
GET    /api/permissions                     | account.use        |            |             |
GET    /api/users                           | accounts.read      |            |             |
POST   /api/users                           | accounts.manage    |            |             |
PATCH  /api/users/{}                        | accounts.manage    | user       |             |
PUT    /api/users/{}/identity               | directory.manage   | user       |             | 409
GET    /api/groups                          | groups.read        |            |             |
POST   /api/groups                          | groups.manage any  |            |             |
GET    /api/groups/{}                       | accounts.read      | group      |             |
PUT    /api/groups/{}/members/{}            | groups.manage      | membership | manage      |
DELETE /api/groups/{}/members/{}            | groups.manage      | membership | manage      | calm
PUT    /api/groups/{}/administrators/{}     | roles.give any     | membership |             |
DELETE /api/groups/{}/administrators/{}     | roles.give any     | free       |             |
PUT    /api/groups/{}/groups/{}             | directory.manage   | nesting    |             |
DELETE /api/groups/{}/groups/{}             | directory.manage   | nesting    |             |
GET    /api/keys                            | keys.manage        |            |             |
POST   /api/keys                            | keys.manage        |            |             | session
DELETE /api/keys/{}                         | keys.manage        | key        | read        | whole uses-up
POST   /api/keys/{}/rotate                  | keys.manage        | key        | read        | session
GET    /api/key-endpoints                   | keys.manage        |            |             |
GET    /api/service-accounts                | service_accounts.manage     |         |       | whole
POST   /api/service-accounts                | service_accounts.manage any |         |       |
PATCH  /api/service-accounts/{}             | service_accounts.manage any | program |       |
GET    /api/service-accounts/{}/keys        | service_accounts.manage     | program | read  | whole
POST   /api/service-accounts/{}/keys        | service_accounts.manage     | program | read  | session
POST   /api/service-accounts/{}/keys/{}/rotate | service_accounts.manage  | program key | read | session
DELETE /api/service-accounts/{}/keys/{}     | service_accounts.manage     | program key | read | session uses-up
GET    /api/models                          | models.use         |            |             |
POST   /api/models/{}/checks                | models.check       | free       |             | 404
GET    /api/engines                         | models.manage      |            |             |
POST   /api/engines/{}/drain                | models.manage      | free       |             | 404
POST   /api/engines/{}/undrain              | models.manage      | free       |             | 404
GET    /api/limits                          | limits.manage      |            |             |
PUT    /api/limits/{}                       | limits.manage      | limit      |             |
DELETE /api/limits/{}                       | limits.manage      | limit      |             | 404
GET    /api/usage                           | usage.read         |            |             |
GET    /api/usage/report                    | usage.read any     |            |             |
GET    /api/audit                           | audit.read any     |            |             |
GET    /api/audit/export                    | audit.read any     |            |             |
POST   /api/audit/checkpoint                | audit.read any     |            |             |
POST   /api/audit/accept                    | audit.read any     |            |             | whole
GET    /api/collections                     | collections.read   |            |             |
POST   /api/collections                     | collections.read, collections.manage |            |        | makes
GET    /api/collections/{}                  | collections.read   | collection | read        |
PATCH  /api/collections/{}                  | collections.read, collections.manage | collection | manage |
DELETE /api/collections/{}                  | collections.read, collections.manage | collection | manage | uses-up
GET    /api/collections/{}/documents        | collections.read   | collection | read        |
POST   /api/collections/{}/documents        | collections.read, collections.manage | collection | manage |
GET    /api/collections/{}/progress         | collections.read   | collection | read        |
GET    /api/documents/{}                    | collections.read   | document   | read        |
DELETE /api/documents/{}                    | collections.read, collections.manage | document | manage read | uses-up
GET    /api/documents/{}/file               | collections.read   | document   | read        |
GET    /api/documents/{}/pages/{}           | collections.read   | page       | read        |
GET    /api/documents/{}/pages/{}/image     | collections.read   | page       | read        |
GET    /api/passages/{}                     | collections.read   | passage    | read        |
POST   /api/search                          | models.use, collections.read |  |             |
POST   /api/ask                             | models.use         |            |             |
GET    /api/assistants                      | models.use         |            |             |
GET    /api/conversations                   | chats.keep         |            |             | whole
POST   /api/conversations                   | chats.keep         |            |             | whole
GET    /api/conversations/{}                | chats.keep         | conversation | read      | whole
PATCH  /api/conversations/{}                | chats.keep         | conversation | read      | whole
DELETE /api/conversations/{}                | chats.keep         | conversation | read      | whole uses-up
POST   /api/conversations/{}/turns          | chats.keep         | conversation | read      | whole uses-up
POST   /api/conversations/{}/turns/{}/stop  | chats.keep         | turn       | read        | whole
GET    /api/break-glass                     | break_glass.approve any |       |             |
POST   /api/break-glass                     | break_glass.ask any |           |             | person
POST   /api/break-glass/{}/approve          | break_glass.approve any | free  |             | 404 person
POST   /api/break-glass/{}/refuse           | break_glass.approve any | free  |             | 404 person
POST   /api/break-glass/{}/end              | break_glass.approve any | free  |             | 404 person
GET    /api/break-glass/{}/conversations    | break_glass.ask any | free      |             | 404 person
GET    /api/break-glass/{}/conversations/{} | break_glass.ask any | free      |             | 404 person
GET    /api/me/notices                      | account.use        |            |             |
POST   /api/me/notices/{}/seen              | account.use        | free       |             | 404
GET    /api/access/explain                  | access.explain     | collection | explain     |
GET    /api/access/view                     | access.simulate    |            |             |
POST   /api/access/search                   | access.simulate    |            |             |
GET    /scim/v2/ServiceProviderConfig       | account.use        |            |             | scim
GET    /scim/v2/Schemas                     | account.use        |            |             | scim
GET    /scim/v2/Schemas/{}                  | account.use        | free       |             | scim
GET    /scim/v2/ResourceTypes               | account.use        |            |             | scim
GET    /scim/v2/ResourceTypes/{}            | account.use        | free       |             | scim
POST   /scim/v2/.search                     | account.use        |            |             | scim
GET    /scim/v2/Users                       | account.use        |            |             | scim
POST   /scim/v2/Users                       | account.use        |            |             | scim
POST   /scim/v2/Users/.search               | account.use        |            |             | scim
GET    /scim/v2/Users/{}                    | account.use        | free       |             | scim
PUT    /scim/v2/Users/{}                    | account.use        | free       |             | scim
PATCH  /scim/v2/Users/{}                    | account.use        | free       |             | scim
DELETE /scim/v2/Users/{}                    | account.use        | free       |             | scim
GET    /scim/v2/Groups                      | account.use        |            |             | scim
POST   /scim/v2/Groups                      | account.use        |            |             | scim
POST   /scim/v2/Groups/.search              | account.use        |            |             | scim
GET    /scim/v2/Groups/{}                   | account.use        | free       |             | scim
PUT    /scim/v2/Groups/{}                   | account.use        | free       |             | scim
PATCH  /scim/v2/Groups/{}                   | account.use        | free       |             | scim
DELETE /scim/v2/Groups/{}                   | account.use        | free       |             | scim
POST   /v1/chat/completions                 | models.use         |            |             |
POST   /v1/completions                      | models.use         |            |             |
POST   /v1/responses                        | models.use         |            |             |
POST   /v1/responses/input_tokens           | models.use         |            |             |
POST   /v1/messages                         | models.use         |            |             |
POST   /v1/messages/count_tokens            | models.use         |            |             |
POST   /v1/embeddings                       | models.use         |            |             |
POST   /v1/rerank                           | models.use         |            |             |
POST   /v1/score                            | models.use         |            |             |
POST   /v1/images/generations               | models.use         |            |             | 400 404
POST   /v1/audio/transcriptions             | models.use         |            |             | 400
GET    /v1/models                           | models.use         |            |             |
GET    /v1/models/{}                        | models.use         | model      |             |
GET    /v1/responses/{}                     | files.keep         | response   | read        |
DELETE /v1/responses/{}                     | files.keep         | response   | read        | uses-up
POST   /v1/responses/{}/cancel              | files.keep         | response   | read        | 400
GET    /v1/responses/{}/input_items         | files.keep         | response   | read        |
GET    /v1/files                            | files.keep         |            |             |
POST   /v1/files                            | files.keep         |            |             |
GET    /v1/files/{}                         | files.keep         | file       | read        |
DELETE /v1/files/{}                         | files.keep         | file       | read        | uses-up
GET    /v1/files/{}/content                 | files.keep         | file       | read        |
GET    /v1/batches                          | files.keep         |            |             |
POST   /v1/batches                          | files.keep         |            |             | 400 404
GET    /v1/batches/{}                       | files.keep         | batch      | read        |
POST   /v1/batches/{}/cancel                | files.keep         | batch      | read        | 400 409
GET    /v1/vector_stores                    | collections.read   |            |             |
POST   /v1/vector_stores                    | collections.read, collections.manage |       |  | makes
GET    /v1/vector_stores/{}                 | collections.read   | store      | read        |
POST   /v1/vector_stores/{}                 | collections.read, collections.manage | store | manage read |
DELETE /v1/vector_stores/{}                 | collections.read, collections.manage | store | manage read | uses-up
POST   /v1/vector_stores/{}/search          | collections.read   | store      | read        |
GET    /v1/vector_stores/{}/files           | collections.read   | store      | read        |
POST   /v1/vector_stores/{}/files           | collections.read, collections.manage | store | manage read | 404
GET    /v1/vector_stores/{}/files/{}        | collections.read   | store file | read        |
POST   /v1/vector_stores/{}/files/{}        | collections.read, collections.manage | store file | manage read |
DELETE /v1/vector_stores/{}/files/{}        | collections.read, collections.manage | store file | manage read | uses-up
GET    /v1/vector_stores/{}/files/{}/content | collections.read  | store file | read        |
POST   /v1/vector_stores/{}/file_batches    | collections.read, collections.manage | store | manage read | 404
GET    /v1/vector_stores/{}/file_batches/{} | collections.read   | store batch | read       | 404
POST /v1/vector_stores/{}/file_batches/{}/cancel|collections.read, collections.manage| store batch | manage read | 404
GET    /v1/vector_stores/{}/file_batches/{}/files  | collections.read | store batch | read  | 404
"""


@dataclass(frozen=True, slots=True)
class Line:
    method: str
    path: str
    """With `{}` for each part that varies."""
    asks: frozenset[str]
    """As in `Policy.asks`; empty: public."""
    kind: str
    act: str
    flags: frozenset[str]
    also: frozenset[int]
    """Statuses, besides 2xx, that somebody who is let in may get."""

    @property
    def call(self) -> str:
        return f"{self.method} {self.path}"


def lines() -> list[Line]:
    """The table above. Raises ValueError for a line that is none."""
    return [_line(text) for text in POLICY.strip().splitlines()]


def _line(text: str) -> Line:
    call, asks, kind, act, flags = (cell.strip() for cell in text.split("|"))
    method, path = call.split()
    words = flags.split()
    wanted = [ask if ask.endswith(" any") else f"{ask} own" for ask in asks.split(", ") if ask != "public"]
    statuses = frozenset(int(w) for w in words if w.isdecimal())
    return Line(method, path, frozenset(wanted), kind, act, frozenset(w for w in words if not w.isdecimal()), statuses)

"""Why somebody sees an object, or why not; and what another person would see of one's own collections.

1. `ways.py` finds the ways by which an account reaches an object: owner, everyone, by name, a group with the chain of
   groups from the account's own one up to the one that reads.
2. `service.py` decides who may know it, asks the same check that every request goes through, and adds the ways.
3. `view.py` looks at the asker's own collections with the rights of somebody else.

Rule: this room grants nothing and decides nothing about access. What it says comes from the check that counts, and who
may not see an object learns no more here than elsewhere: it is not there.
"""

from dataclasses import dataclass

from appliance.answers import Assistants
from appliance.audit import Audit
from appliance.chat import ConversationRepository
from appliance.documents import DocumentService
from appliance.explain.people import Accounts
from appliance.explain.routes import AccessController
from appliance.explain.service import Explain
from appliance.explain.view import ViewAs
from appliance.identity import Access, People
from appliance.retrieval import Retrieval
from appliance.storage import Database

__all__ = ["AccessController", "Explain", "Explaining", "ViewAs", "explaining"]


@dataclass(frozen=True, slots=True)
class Explaining:
    """What the routes need."""

    explain: Explain
    view_as: ViewAs


def explaining(
    database: Database,
    access: Access,
    people: People,
    documents: DocumentService,
    conversations: ConversationRepository,
    assistants: Assistants,
    retrieval: Retrieval,
    audit: Audit,
) -> Explaining:
    """Build them."""
    accounts = Accounts(access, people)
    return Explaining(
        Explain(database, people, accounts, documents, conversations, assistants, audit),
        ViewAs(database, accounts, documents, retrieval, audit),
    )

"""From the readers of a collection and the groups of an account to the ways that grant it. Pure."""

from collections.abc import Iterable
from uuid import UUID

from appliance.explain.values import Named, Way
from appliance.identity import EVERYONE
from appliance.identity.directory import Ancestry


def ways_to(owner_id: UUID, readers: Iterable[str], account_id: UUID, groups: Ancestry) -> tuple[Way, ...]:
    """Every way, the plainest first: owner, by name, everyone, then groups by the length of their chain."""
    names = frozenset(readers)
    found: list[Way] = []
    if owner_id == account_id:
        found.append(Way("owner"))
    elif f"user:{account_id}" in names:
        found.append(Way("named"))
    if EVERYONE in names:
        found.append(Way("everyone"))
    chains = [groups.chain(group_id) for group_id in groups.names if f"group:{group_id}" in names]
    named = [tuple(Named(group_id, groups.names[group_id]) for group_id in chain) for chain in chains]
    found += [Way("group", chain) for chain in sorted(named, key=lambda c: (len(c), [g.name for g in c]))]
    return tuple(found)

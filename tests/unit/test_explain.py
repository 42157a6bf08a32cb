"""Chains of groups: any tree, even one that somebody bent into a circle by SQL."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from appliance.explain.ways import ways_to
from appliance.identity.directory import Ancestry

GROUPS = [UUID(int=n) for n in range(8)]
ME, OWNER = UUID(int=100), UUID(int=200)
edges = st.dictionaries(
    st.sampled_from(GROUPS), st.lists(st.sampled_from(GROUPS), max_size=3, unique=True).map(tuple), max_size=8
)
some = st.lists(st.sampled_from(GROUPS), max_size=3, unique=True).map(tuple)


def reachable(own: tuple[UUID, ...], parents: dict[UUID, tuple[UUID, ...]]) -> dict[UUID, int]:
    """How many groups the shortest way has, by looking at all ways of one length after the other."""
    found: dict[UUID, int] = {}
    layer, steps = set(own), 1
    while layer - found.keys():
        found |= dict.fromkeys(layer - found.keys(), steps)
        layer, steps = {p for g in layer for p in parents.get(g, ())}, steps + 1
    return found


@given(own=some, parents=edges)
def test_a_chain_is_a_shortest_way_and_is_there_exactly_when_the_group_counts(
    own: tuple[UUID, ...], parents: dict[UUID, tuple[UUID, ...]]
) -> None:
    groups = Ancestry(own, parents, {g: str(g.int) for g in GROUPS})
    expected = reachable(own, parents)
    for group in GROUPS:
        chain = groups.chain(group)
        assert len(chain) == expected.get(group, 0)
        if chain:
            assert chain[0] in own
            assert chain[-1] == group
            assert all(outer in parents.get(inner, ()) for inner, outer in pairwise(chain))


@given(own=some, parents=edges, reading=some, is_named=st.booleans(), everyone=st.booleans(), owns=st.booleans())
def test_there_is_a_way_exactly_when_the_scope_meets_the_readers(
    own: tuple[UUID, ...],
    parents: dict[UUID, tuple[UUID, ...]],
    reading: tuple[UUID, ...],
    is_named: bool,
    everyone: bool,
    owns: bool,
) -> None:
    counted = reachable(own, parents)
    groups = Ancestry(own, parents, {g: str(g.int) for g in counted})
    owner = ME if owns else OWNER
    readers = {f"user:{owner}", *(f"group:{g}" for g in reading)}
    readers |= ({f"user:{ME}"} if is_named else set()) | ({"everyone"} if everyone else set())
    principals = {"everyone", f"user:{ME}", *(f"group:{g}" for g in counted)}
    ways = ways_to(owner, readers, ME, groups)
    assert bool(ways) == bool(principals & readers)
    assert sum(way.kind == "group" for way in ways) == len({f"group:{g}" for g in counted} & readers)

"""The table of roles: what it promises about each of them."""

from dataclasses import replace
from uuid import uuid4

import pytest

from appliance.identity import ROLES, TABLE, KeyScope, Permission, Principal, Role
from appliance.identity.people import read_roles
from appliance.identity.roles import covers, reach_of, roles_with

OTHERS = tuple(role for role in ROLES if role not in ("user", "administrator"))


def principal(*roles: Role) -> Principal:
    return Principal(uuid4(), "a@x.test", "A", frozenset({"user", *roles}), frozenset(), "session")


def test_the_table_has_one_line_for_each_permission_and_says_what_it_is() -> None:
    assert sorted(line.permission for line in TABLE) == sorted(Permission)
    assert all(line.what and line.reach for line in TABLE)
    assert {role for line in TABLE for role in line.reach} == set(ROLES), "a role without any right"


def test_every_role_adds_something_to_what_everybody_has() -> None:
    for role in OTHERS:
        assert any(reach_of({"user", role}, p) != reach_of({"user"}, p) for p in Permission), role


def test_only_the_administrator_gives_roles_and_changes_accounts() -> None:
    for permission in (Permission.ROLES_GIVE, Permission.ACCOUNTS_MANAGE, Permission.DIRECTORY_MANAGE):
        assert roles_with(permission) == ("administrator",)


def test_nobody_reads_the_chats_files_or_collections_of_another() -> None:
    for permission in (Permission.CHATS_KEEP, Permission.FILES_KEEP, Permission.COLLECTIONS_READ):
        assert roles_with(permission, "own") == ("user",)
        assert roles_with(permission, "any") == ()


def test_the_administrator_has_every_right_of_the_others_together_with_everybodys() -> None:
    for role in ROLES:
        assert covers({"user", "administrator"}, role), role
        assert covers({role}, role)
    for role in OTHERS:
        assert not covers({"user", role}, "administrator"), role
    assert not covers({"operator"}, "auditor")


@pytest.mark.parametrize("role", ROLES)
def test_a_narrowed_key_has_no_more_than_everybody(role: Role) -> None:
    narrowed = replace(principal(role), key_scope=KeyScope(models=frozenset({"m"})))
    for permission in Permission:
        assert narrowed.reach(permission) == reach_of({"user"}, permission)


def test_without_a_role_nothing_is_allowed() -> None:
    nobody = replace(principal(), roles=frozenset())
    assert not any(nobody.may(permission) for permission in Permission)


def test_words_in_the_table_of_users_that_are_no_role_give_nothing() -> None:
    assert read_roles("user,root,Administrator, administrator,operator") == {"user", "operator"}
    assert read_roles("") == frozenset()

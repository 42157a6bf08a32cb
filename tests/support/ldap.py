"""A small directory of the firm, served by Debian's slapd on a free loopback port, and its federation into Keycloak.

What `federate` tells Keycloak is what docs/guides/single-sign-on.md says to choose in its administration.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from keycloak import KeycloakAdmin

from tests.support.valkey import free_port

SUFFIX, PASSWORD = "dc=firm,dc=test", "directory for tests"
ROOT, PEOPLE, GROUPS = f"cn=admin,{SUFFIX}", f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
SLAPD = "/usr/sbin/slapd"
SCHEMAS = Path("/etc/ldap/schema")
START_S = 20

CONFIG = """
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
database mdb
maxsize 16777216
suffix "{suffix}"
rootdn "{root}"
rootpw "{password}"
directory {folder}/data
"""
TREE = f"""
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: Firm
dc: firm

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {GROUPS}
objectClass: organizationalUnit
ou: groups
"""


@dataclass
class Ldap:
    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    def start(self) -> None:
        (self.folder / "data").mkdir(parents=True)
        config = CONFIG.format(schemas=SCHEMAS, folder=self.folder, suffix=SUFFIX, root=ROOT, password=PASSWORD)
        (self.folder / "slapd.conf").write_text(config)
        self.process = subprocess.Popen(
            [SLAPD, "-f", str(self.folder / "slapd.conf"), "-h", self.url, "-d", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_S
        while self._run("ldapsearch", "", "-b", "", "-s", "base").returncode != 0:
            assert self.process.poll() is None, "slapd ended"
            assert time.monotonic() < deadline, "slapd does not answer"
            time.sleep(0.1)
        self.change(TREE, add=True)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)

    def person(self, name: str, password: str) -> None:
        self.change(
            f"dn: uid={name},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name.title()}\nsn: Tester\n"
            f"givenName: {name.title()}\nmail: {name}@firm.test\nuserPassword: {password}\n",
            add=True,
        )

    def group(self, name: str, *members: str) -> None:
        listed = "".join(f"member: uid={member},{PEOPLE}\n" for member in members)
        self.change(f"dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\n{listed}", add=True)

    def leave(self, group: str, member: str) -> None:
        self._member("delete", group, member)

    def join(self, group: str, member: str) -> None:
        self._member("add", group, member)

    def remove(self, name: str) -> None:
        """Somebody leaves the firm."""
        self.change(f"dn: uid={name},{PEOPLE}\nchangetype: delete\n")

    def _member(self, act: str, group: str, member: str) -> None:
        self.change(f"dn: cn={group},{GROUPS}\nchangetype: modify\n{act}: member\nmember: uid={member},{PEOPLE}\n")

    def change(self, ldif: str, *, add: bool = False) -> None:
        done = self._run("ldapmodify", ldif, *(("-a",) if add else ()))
        assert done.returncode == 0, done.stderr.decode()

    def _run(self, tool: str, text: str, *more: str) -> "subprocess.CompletedProcess[bytes]":
        command = [tool, "-x", "-H", self.url, "-D", ROOT, "-w", PASSWORD, *more]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=False, timeout=60)


@contextmanager
def directory(folder: Path) -> Iterator[Ldap]:
    """Up while the block runs; skips loudly where slapd cannot be had."""
    if not Path(SLAPD).exists() or shutil.which("ldapmodify") is None:
        pytest.skip("SKIPPED: no slapd; 'apt-get install slapd ldap-utils'")
    ldap = Ldap(folder)
    try:
        ldap.start()
        yield ldap
    finally:
        ldap.stop()


@contextmanager
def federated(admin: KeycloakAdmin, realm: str, ldap: Ldap, inside: str) -> Iterator[None]:
    """While the block runs, the directory's people can log in to the realm; its groups are groups inside this one."""
    storage = admin.create_component(
        {
            "name": "directory",
            "providerId": "ldap",
            "providerType": "org.keycloak.storage.UserStorageProvider",
            "parentId": admin.get_realm(realm)["id"],
            "config": {name: [value] for name, value in _storage(ldap).items()},
        }
    )
    try:
        mapper = admin.create_component(
            {
                "name": "groups",
                "providerId": "group-ldap-mapper",
                "providerType": "org.keycloak.storage.ldap.mappers.LDAPStorageMapper",
                "parentId": storage,
                "config": {name: [value] for name, value in _group_mapper(inside).items()},
            }
        )
        sync = f"/admin/realms/{realm}/user-storage/{storage}/mappers/{mapper}/sync?direction=fedToKeycloak"
        reply = admin.connection.raw_post(sync, data="")
        assert reply.status_code == 200, reply.text
        yield
    finally:
        admin.delete_component(storage)


def _storage(ldap: Ldap) -> dict[str, str]:
    return {
        "enabled": "true",
        "vendor": "other",
        "connectionUrl": ldap.url,
        "authType": "simple",
        "bindDn": ROOT,
        "bindCredential": PASSWORD,
        "usersDn": PEOPLE,
        "usernameLDAPAttribute": "uid",
        "rdnLDAPAttribute": "uid",
        "uuidLDAPAttribute": "entryUUID",
        "userObjectClasses": "inetOrgPerson, organizationalPerson",
        "searchScope": "1",
        "editMode": "READ_ONLY",
        "importEnabled": "true",
        "syncRegistrations": "false",
        "trustEmail": "true",
        "cachePolicy": "MAX_LIFESPAN",
        "maxLifespan": "5000",
        "pagination": "false",
        "priority": "0",
        "fullSyncPeriod": "-1",
        "changedSyncPeriod": "-1",
    }


def _group_mapper(inside: str) -> dict[str, str]:
    return {
        "mode": "READ_ONLY",
        "groups.dn": GROUPS,
        "groups.path": inside,
        "group.name.ldap.attribute": "cn",
        "group.object.classes": "groupOfNames",
        "membership.ldap.attribute": "member",
        "membership.attribute.type": "DN",
        "membership.user.ldap.attribute": "uid",
        "memberof.ldap.attribute": "memberOf",
        "preserve.group.inheritance": "false",
        "ignore.missing.groups": "false",
        "user.roles.retrieve.strategy": "LOAD_GROUPS_BY_MEMBER_ATTRIBUTE",
        "drop.non.existing.groups.during.sync": "false",
    }

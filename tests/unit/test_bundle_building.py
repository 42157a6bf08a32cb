"""A bundle is the same bytes twice, whole or not there, and says what it lacks."""

import json
import os
import stat
from pathlib import Path

import pytest
from msgspec.structs import asdict

from appliance.bundle import BundleRefused, BundleUnmade, build, install, verify
from appliance.bundle.parts.packages import CHOSEN, _file_name
from appliance.bundle.recipe import Wanted, plan_product
from appliance.bundle.signing import sign
from appliance.bundle.targets import TARGETS
from appliance.bundle.tree import Tree
from appliance.bundle.versions import is_older
from tests.support.bundles import DEB, EPOCH_S, Files, Made, copy_of, make, product_plan, silent


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("bundle"))


def content(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Path → mode, time and bytes."""
    found = {}
    for path in folder.rglob("*"):
        facts = path.stat()
        data = path.read_bytes() if path.is_file() else b""
        found[path.relative_to(folder).as_posix()] = (stat.S_IMODE(facts.st_mode), int(facts.st_mtime), data)
    return found


def test_two_builds_are_equal_to_the_byte(made: Made, tmp_path: Path) -> None:
    plan = product_plan(tmp_path / "inputs", made.key)
    os.umask(os.umask(0o077))  # whoever builds it
    build(plan, tmp_path / "again", silent)
    build(plan, tmp_path / "again.tar", silent)
    assert content(tmp_path / "again") == content(made.folder)
    assert (tmp_path / "again.tar").read_bytes() == made.archive.read_bytes()
    assert {time for _, time, _ in content(made.folder).values()} == {EPOCH_S}


def test_a_build_that_was_cut_short_goes_on_and_drops_what_it_does_not_want(made: Made, tmp_path: Path) -> None:
    staging = tmp_path / "b.partial"
    (staging / "apt" / "bookworm").mkdir(parents=True)
    (staging / "apt" / "bookworm" / "old.deb").write_bytes(b"of a former plan")
    (staging / DEB).write_bytes(b"half")
    build(product_plan(tmp_path / "inputs", made.key), tmp_path / "b", silent)
    assert content(tmp_path / "b") == content(made.folder)


def test_what_is_there_already_is_not_written_over(made: Made, tmp_path: Path) -> None:
    with pytest.raises(BundleUnmade, match="is there already"):
        build(product_plan(tmp_path / "inputs", made.key), made.folder, silent)


def test_a_file_that_is_not_the_pinned_one_stops_the_build(tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_bytes(b"x")
    tree = Tree(tmp_path / "tree", EPOCH_S)
    with pytest.raises(BundleUnmade, match="not the pinned file"):
        tree.add_file("x", source, sha256="0" * 64)
    assert not (tmp_path / "tree" / "x").exists()


@pytest.mark.parametrize("name", ["../x", "/x", "a b", "a\\b", "ü", "a//b", ""])
def test_a_name_that_would_be_refused_later_is_refused_now(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleUnmade):
        Tree(tmp_path / "tree", EPOCH_S).add_bytes(name, b"")


def test_a_link_in_a_folder_of_the_checkout_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "x").symlink_to("/etc/passwd")
    with pytest.raises(BundleUnmade, match="is a link"):
        Tree(tmp_path / "tree", EPOCH_S).add_folder("playbooks", tmp_path / "playbooks")


def test_the_bill_of_materials_names_every_component(made: Made) -> None:
    bill = json.loads((made.folder / "sbom/bundle.cdx.json").read_text())
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {row["bom-ref"] for row in bill["components"]} == {c["path"] for c in manifest["components"]}
    wheel = next(row for row in bill["components"] if row["bom-ref"].endswith(".whl"))
    assert wheel["licenses"] == [{"license": {"name": "MIT"}}]
    assert wheel["hashes"][0]["alg"] == "SHA-256"


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_install_leaves_the_same_files_under_modes_of_its_own(made: Made, tmp_path: Path, form: str) -> None:
    source = copy_of(made, tmp_path / "copy") if form == "folder" else made.archive
    if form == "folder":
        (source / DEB).chmod(0o6777)
    done = install(source, tmp_path / "x" / "in", allowed_signers=made.signers, installed="1.3.0", progress=silent)
    found, wanted = content(tmp_path / "x" / "in"), content(made.folder)
    assert {path: facts[2] for path, facts in found.items()} == {path: facts[2] for path, facts in wanted.items()}
    assert {facts[0] for facts in found.values()} == {0o644, 0o755}
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["in"]
    assert asdict(done.components[0]) == asdict(verify(made.folder, allowed_signers=made.signers).components[0])


def test_install_goes_on_after_a_cut_and_trusts_nothing_that_lies_there(made: Made, tmp_path: Path) -> None:
    staging = tmp_path / "in.partial"
    copy_of(made, staging)
    (staging / DEB).write_bytes(b"x" * (staging / DEB).stat().st_size)
    (staging / "stranger").write_bytes(b"")
    install(made.archive, tmp_path / "in", allowed_signers=made.signers, installed="", progress=silent)
    assert {p: f[2] for p, f in content(tmp_path / "in").items()} == {p: f[2] for p, f in content(made.folder).items()}


def test_nothing_is_installed_of_a_bundle_that_is_refused(made: Made, tmp_path: Path) -> None:
    spoiled = copy_of(made, tmp_path / "copy")
    (spoiled / DEB).write_bytes(b"evil")
    with pytest.raises(BundleRefused) as refused:
        install(spoiled, tmp_path / "in", allowed_signers=made.signers, installed="", progress=silent)
    assert refused.value.file == DEB
    assert [p.name for p in tmp_path.iterdir()] == ["copy"]


def test_nothing_is_installed_over_a_version_that_must_not_be_skipped(made: Made, tmp_path: Path) -> None:
    with pytest.raises(BundleRefused, match=r"can be put on 1\.2\.0"):
        install(made.archive, tmp_path / "in", allowed_signers=made.signers, installed="1.0.0", progress=silent)
    assert not (tmp_path / "in").exists()


def test_a_second_signature_over_the_same_manifest_is_the_same(made: Made, tmp_path: Path) -> None:
    copied = copy_of(made, tmp_path / "copy")
    before = (copied / "manifest.json.sig").read_bytes()
    sign(copied / "manifest.json", made.key)
    assert (copied / "manifest.json.sig").read_bytes() == before


def test_a_part_of_an_unknown_name_is_refused(tmp_path: Path) -> None:
    wanted = Wanted(tmp_path, tmp_path, (TARGETS["debian-12"],), without=frozenset({"wheel"}))
    with pytest.raises(BundleUnmade, match="no part 'wheel'"):
        plan_product(wanted)


def test_two_parts_may_not_bring_the_same_name(made: Made, tmp_path: Path) -> None:
    tree = Tree(tmp_path / "tree", EPOCH_S)
    tree.add_bytes("a", b"1")
    with pytest.raises(BundleUnmade, match="is there twice"):
        Files({"a": b"2"}).fill(tree, silent)


def test_every_package_that_apt_chooses_is_taken_also_one_that_it_fetched_before() -> None:
    """A list of addresses would leave out what is in the cache already."""
    said = (
        "Inst gcc-12-base (12.2.0-14+deb12u1 Debian:12.12/oldstable [amd64])\n"
        "Inst jre (2:1.17-74 Debian:12.12/oldstable [all]) [libc6:amd64 ]\n"
        "Conf jre (2:1.17-74 Debian:12.12/oldstable [all])\n"
    )
    found = [_file_name(*match.groups()) for match in CHOSEN.finditer(said)]
    assert found == ["gcc-12-base_12.2.0-14+deb12u1_amd64.deb", "jre_2%3a1.17-74_all.deb"]


@pytest.mark.parametrize(
    ("one", "other", "older"),
    [("1.2", "1.10", True), ("1.2", "1.2.0", False), ("1.2rc1", "1.2", True), ("2.0.dev1", "2.0a1", True)],
)
def test_versions_are_numbers(one: str, other: str, older: bool) -> None:
    assert is_older(one, other) is older

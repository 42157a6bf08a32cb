"""A bundle that is not exactly what was signed is refused, and the file is named."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from copy import copy
from pathlib import Path

import pytest

from appliance.bundle import BundleRefused, make_key, verify
from appliance.bundle.signing import sign
from tests.support.bundles import DEB, WHEEL, Made, copy_of, make, rewritten

KINDS = [
    WHEEL,
    DEB,
    "wheels/debian-12/requirements.txt",
    "apt/bookworm/Packages",
    "apt/bookworm/Release",
    "tarballs/keycloak-1.2.3.tar.gz",
    "playbooks/roles/base.yml",
    "chart/Chart.yaml",
    "sbom/bundle.cdx.json",
    "licences/debian/bookworm/thing",
    "licences/tarballs/keycloak-1.2.3/LICENSE",
    "verify.py",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def spoiled(made: Made, tmp_path: Path) -> Path:
    return copy_of(made, tmp_path / "bundle")


def refusal(root: Path, made: Made, *, signers: Path | None = None) -> BundleRefused:
    with pytest.raises(BundleRefused) as refused:
        verify(root, allowed_signers=signers or made.signers)
    return refused.value


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_a_good_bundle_is_accepted_in_both_forms(made: Made, form: str) -> None:
    found = verify(made.folder if form == "folder" else made.archive, allowed_signers=made.signers)
    assert (found.version, found.min_upgrade_from, found.left_out) == ("1.4.0", "1.2.0", ("engines",))
    assert [target.id for target in found.targets] == ["debian-12"]
    assert {component.kind for component in found.components} == {"wheel", "deb", "tarball", "playbooks", "chart"}


def test_every_kind_of_file_is_flipped_below(made: Made) -> None:
    there = {p.relative_to(made.folder).as_posix() for p in made.folder.rglob("*") if p.is_file()}
    assert set(KINDS) < there
    assert {p.split("/")[0] for p in there} == {p.split("/")[0] for p in KINDS} | {
        "manifest.json",
        "manifest.json.sig",
        "checksums.txt",
    }


@pytest.mark.parametrize("name", KINDS)
def test_one_flipped_byte_is_refused_with_its_name(made: Made, spoiled: Path, name: str) -> None:
    flip(spoiled / name)
    assert refusal(spoiled, made).file == name


@pytest.mark.parametrize("name", KINDS)
def test_one_flipped_byte_in_an_archive_is_refused_with_its_name(made: Made, tmp_path: Path, name: str) -> None:
    with tarfile.open(made.archive) as archive:
        member = archive.getmember(name)
    place = tmp_path / "b.tar"
    data = bytearray(made.archive.read_bytes())
    data[member.offset_data + member.size // 2] ^= 1
    place.write_bytes(data)
    assert refusal(place, made).file == name


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("manifest.json", "manifest.json.sig"),
        ("manifest.json.sig", "manifest.json.sig"),
        ("checksums.txt", "checksums.txt"),
    ],
)
def test_the_lists_and_the_signature_are_held_too(made: Made, spoiled: Path, name: str, named: str) -> None:
    flip(spoiled / name)
    assert refusal(spoiled, made).file == named


def test_an_older_limit_in_the_manifest_is_an_edit(made: Made, spoiled: Path) -> None:
    manifest = spoiled / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"min_upgrade_from": "1.2.0"', '"min_upgrade_from": "0.1.0"'))
    assert refusal(spoiled, made).file == "manifest.json.sig"


@pytest.mark.parametrize(
    ("installed", "says"),
    [("1.1.9", "can be put on 1.2.0 or newer"), ("1.4.1", "older than 1.4.1"), ("1.10.0", "older than 1.10.0")],
)
def test_a_step_back_and_a_skipped_version_are_refused(made: Made, installed: str, says: str) -> None:
    with pytest.raises(BundleRefused, match=says) as refused:
        verify(made.folder, allowed_signers=made.signers, installed=installed)
    assert refused.value.file == "manifest.json"


@pytest.mark.parametrize("installed", ["", "1.2.0", "1.3.7", "1.4.0", "1.4.0rc1"])
def test_what_may_be_upgraded_may(made: Made, installed: str) -> None:
    assert verify(made.folder, allowed_signers=made.signers, installed=installed).version == "1.4.0"


def test_a_key_that_nobody_named_is_refused(made: Made, tmp_path: Path) -> None:
    others, _ = make_key(tmp_path / "other")
    found = refusal(made.folder, made, signers=others)
    assert found.file == "manifest.json.sig"
    assert "not among the allowed signers" in found.message


def test_a_signature_for_another_purpose_is_refused(made: Made, spoiled: Path) -> None:
    manifest = spoiled / "manifest.json"
    manifest.with_name("manifest.json.sig").unlink()
    command = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(made.key), "-n", "git", str(manifest)]
    subprocess.run(command, check=True, capture_output=True)
    found = refusal(spoiled, made)
    assert found.file == "manifest.json.sig"
    assert "another purpose" in found.message


def test_a_good_signature_of_another_manifest_is_refused(made: Made, spoiled: Path, tmp_path: Path) -> None:
    other = tmp_path / "manifest.json"
    other.write_text((spoiled / "manifest.json").read_text().replace("1.4.0", "1.5.0"))
    sign(other, made.key)
    shutil.copy(other.with_name("manifest.json.sig"), spoiled)
    assert refusal(spoiled, made).file == "manifest.json.sig"


def test_an_unsigned_bundle_is_refused(made: Made, spoiled: Path) -> None:
    (spoiled / "manifest.json.sig").unlink()
    assert refusal(spoiled, made).file == "manifest.json.sig"


@pytest.mark.parametrize("name", KINDS)
def test_a_missing_file_is_named(made: Made, spoiled: Path, name: str) -> None:
    (spoiled / name).unlink()
    found = refusal(spoiled, made)
    assert (found.file, found.why) == (name, "is missing")


SPOILERS: list[tuple[str, Callable[[Path], object], str, str]] = [
    ("extra file", lambda b: (b / "apt/bookworm/evil.deb").write_bytes(b""), "apt/bookworm/evil.deb", "not belong"),
    ("link", lambda b: _swap(b / DEB, lambda p: p.symlink_to("/etc/passwd")), DEB, "is a link"),
    ("linked folder", lambda b: (b / "chart2").symlink_to(b / "chart"), "chart2", "is a link"),
    ("device", lambda b: _swap(b / DEB, lambda p: os.mknod(p, 0o600 | 0o020000, os.makedev(1, 3))), DEB, "a device"),
    ("pipe", lambda b: _swap(b / DEB, os.mkfifo), DEB, "is a pipe"),
    (
        "case",
        lambda b: _touch(b / "CHART/Chart.yaml"),
        "chart/Chart.yaml",
        "upper and lower",
    ),
    ("bad name", lambda b: (b / "a\nb").touch(), r"'a\nb'", "no name"),
]


def _touch(path: Path) -> None:
    path.parent.mkdir()
    path.touch()


def _swap(path: Path, put: Callable[[Path], object]) -> None:
    path.unlink()
    put(path)


@pytest.mark.parametrize(("spoil", "named", "why"), [s[1:] for s in SPOILERS], ids=[s[0] for s in SPOILERS])
def test_what_is_no_plain_listed_file_is_refused(
    made: Made, spoiled: Path, spoil: Callable[[Path], object], named: str, why: str
) -> None:
    try:
        spoil(spoiled)
    except PermissionError:
        pytest.skip("SKIPPED: this user may make no device")
    found = refusal(spoiled, made)
    if named != "chart/Chart.yaml":
        assert found.file == named
        assert why in found.why
    else:  # whichever of the two comes first does not belong, or collides
        assert found.file.casefold() == named.casefold()


def changed(path: str, **changes: object) -> Callable[[tarfile.TarInfo], list[tarfile.TarInfo]]:
    """The member at `path` with other fields; the rest as it is."""

    def change(member: tarfile.TarInfo) -> list[tarfile.TarInfo]:
        if member.name != path:
            return [member]
        other = copy(member)
        for name, value in changes.items():
            setattr(other, name, value)
        return [other]

    return change


def doubled(path: str, name: str) -> Callable[[tarfile.TarInfo], list[tarfile.TarInfo]]:
    """The member at `path`, and once more under `name`."""
    return lambda member: [member, *changed(path, name=name)(member)] if member.name == path else [member]


@pytest.mark.parametrize(
    ("change", "named", "why"),
    [
        (changed(DEB, name="../evil"), "../evil", "leads out"),
        (changed(DEB, name="apt/../../evil"), "apt/../../evil", "leads out"),
        (changed(DEB, name="/etc/evil"), "/etc/evil", "leads out"),
        (changed(DEB, name="apt/./x"), "'apt/./x'", "no name"),
        (changed(DEB, name="apt\\x"), r"'apt\\x'", "no name"),
        (changed(DEB, type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0), DEB, "is a link"),
        (changed(DEB, type=tarfile.LNKTYPE, linkname=WHEEL, size=0), DEB, "is a link"),
        (changed(DEB, type=tarfile.CHRTYPE, size=0), DEB, "is a device"),
        (changed(DEB, type=tarfile.FIFOTYPE, size=0), DEB, "is a device"),
        (doubled(DEB, DEB), DEB, "is there twice"),
        (doubled(DEB, DEB.upper()), DEB.upper(), "upper and lower case"),
        (doubled(DEB, "extra"), "extra", "does not belong"),
        (doubled("checksums.txt", "manifest.json"), "manifest.json", "is there twice"),
        (changed("manifest.json", name="later.json"), "manifest.json", "does not come first"),
    ],
)
def test_an_archive_holds_plain_listed_files_once(
    made: Made, tmp_path: Path, change: Callable[[tarfile.TarInfo], list[tarfile.TarInfo]], named: str, why: str
) -> None:
    found = refusal(rewritten(made.archive, tmp_path / "b.tar", change), made)
    assert found.file == named
    assert why in found.why


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 0.9])
def test_an_archive_that_is_cut_short_is_refused_wherever(made: Made, tmp_path: Path, share: float) -> None:
    data = made.archive.read_bytes()
    place = tmp_path / "b.tar"
    place.write_bytes(data[: int(len(data.rstrip(b"\0")) * share)])
    assert refusal(place, made).file


def test_an_archive_without_its_end_or_with_something_behind_it_is_refused(made: Made, tmp_path: Path) -> None:
    data = made.archive.read_bytes()
    place = tmp_path / "b.tar"
    place.write_bytes(data.rstrip(b"\0") + b"\0" * (-len(data.rstrip(b"\0")) % 512))
    assert "cut short" in refusal(place, made).message
    place.write_bytes(data + b"more")
    assert "goes on after its end" in refusal(place, made).message


def test_the_quick_look_still_sees_signature_and_names(made: Made, spoiled: Path) -> None:
    (spoiled / WHEEL).unlink()
    with pytest.raises(BundleRefused, match="is missing"):
        verify(spoiled, allowed_signers=made.signers, deep=False)


@pytest.mark.parametrize("good", [True, False])
def test_the_checker_in_the_bundle_needs_nothing_but_python(made: Made, spoiled: Path, good: bool) -> None:
    if not good:
        flip(spoiled / DEB)
    command = [sys.executable, "-I", "-S", str(spoiled / "verify.py"), "--allowed-signers", str(made.signers)]
    done = subprocess.run([*command, str(spoiled)], capture_output=True, text=True, cwd="/", check=False)
    assert (done.returncode, done.stdout.startswith("good: product 1.4.0")) == (0 if good else 1, good)
    if not good:
        assert done.stderr.startswith(f"refused: {DEB}: ")

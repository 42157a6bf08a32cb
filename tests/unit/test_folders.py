"""The data's folders are nobody else's, also when they were there before."""

import stat
from pathlib import Path

import pytest

from appliance.commands.folders import DataFolderUnusable, prepare_folders
from appliance.settings import Settings


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_new_folders_are_their_owners_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"))
    prepare_folders(settings)
    assert {mode(folder) for folder in (settings.data, settings.run_dir, settings.log_dir)} == {0o700}


@pytest.mark.parametrize(("before", "after"), [(0o755, 0o750), (0o777, 0o770), (0o2775, 0o2770), (0o750, 0o750)])
def test_a_folder_that_others_could_look_into_is_shut(tmp_path: Path, before: int, after: int) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"))
    prepare_folders(settings)
    settings.data.chmod(before)
    settings.run_dir.chmod(before)
    prepare_folders(settings)
    assert (mode(settings.data), mode(settings.run_dir)) == (after, after)


def test_a_folder_that_all_users_share_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(DataFolderUnusable, match="all users"):
        prepare_folders(Settings(data_dir=str(shared)))
    assert mode(shared) == 0o1777


def test_somebody_elses_folder_is_used_and_said_to_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"))
    prepare_folders(settings)
    settings.data.chmod(0o755)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    prepare_folders(settings)

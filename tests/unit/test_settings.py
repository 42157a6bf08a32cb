"""Settings: file, environment, and mistakes that must not pass."""

from pathlib import Path

import pytest

from appliance.settings import Settings, SettingsInvalid, load


def test_the_environment_stands_above_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('log_level = "debug"\n[server]\nport = 9000\nhost = "0.0.0.0"\n')
    found = load(file, {"APPLIANCE_PORT": "9001", "APPLIANCE_ENGINES_KV_CACHE_GIB": "3", "HOME": str(tmp_path)})
    assert (found.server.port, found.server.host, found.log_level) == (9001, "0.0.0.0", "debug")  # noqa: S104
    assert found.engines.kv_cache_gib == 3


def test_the_file_in_the_data_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "appliance.toml").write_text("[server]\nport = 9002\n")
    assert load(None, {"APPLIANCE_DATA_DIR": str(tmp_path)}).server.port == 9002


@pytest.mark.parametrize(
    ("text", "named", "hint"),
    [
        ("[server]\nprot = 1\n", "server.prot", "server.port"),
        ("[sever]\nport = 1\n", "sever", "server"),
        ('[[engines.models]]\nid = "x"\nbase_url = "y"\n', "base_url", "base_urls"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(tmp_path: Path, text: str, named: str, hint: str) -> None:
    file = tmp_path / "a.toml"
    file.write_text(text)
    with pytest.raises(SettingsInvalid) as refused:
        load(file, {"HOME": str(tmp_path)})
    assert named in refused.value.message
    assert hint in refused.value.way_out


@pytest.mark.parametrize(
    "environment", [{"APPLIANCE_PORT": "many"}, {"APPLIANCE_PORT": "70000"}, {"APPLIANCE_SERVER_PROT": "1"}]
)
def test_a_value_that_does_not_fit_is_refused(tmp_path: Path, environment: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid):
        load(None, {"HOME": str(tmp_path), **environment})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"missing\.toml"):
        load(tmp_path / "missing.toml", {"HOME": str(tmp_path)})


def test_a_secret_is_not_printed() -> None:
    settings = load(None, {"APPLIANCE_ADMIN_PASSWORD": "very secret", "HOME": "/home/x"})
    assert isinstance(settings, Settings)
    assert "very secret" not in repr(settings)

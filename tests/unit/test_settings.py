"""Settings: file, environment, and mistakes that must not pass."""

from pathlib import Path

import pytest

from appliance.foundation import SecretUnusable
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


CLEAR = {
    "database.url": "postgresql://appliance:Quite-Secret-1@db/appliance",
    "index.api_key": "Quite-Secret-2",
    "limits.url": "redis://:Quite-Secret-3@store:6379/0",
    "metrics.token": "Quite-Secret-4-and-long",
    "admin.password": "Quite-Secret-5-and-long",
}


def private(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("name", CLEAR)
def test_a_secret_does_not_stand_in_the_file_of_settings(tmp_path: Path, name: str) -> None:
    section, _, key = name.partition(".")
    file = private(tmp_path / "a.toml", f'[{section}]\n{key} = "{CLEAR[name]}"\n')
    with pytest.raises(SettingsInvalid, match=name) as refused:
        load(file, {"HOME": str(tmp_path)})
    assert CLEAR[name] not in refused.value.sentence()
    assert f"{name}_file" in refused.value.way_out
    assert f"APPLIANCE_{section}_{key}".upper() in refused.value.way_out


@pytest.mark.parametrize("name", CLEAR)
def test_a_secret_comes_from_the_environment_or_from_a_file_of_its_own(tmp_path: Path, name: str) -> None:
    section, _, key = name.partition(".")
    secret, variable = private(tmp_path / "secret", CLEAR[name] + "\n"), f"APPLIANCE_{section}_{key}".upper()
    file = private(tmp_path / "a.toml", f'[{section}]\n{key}_file = "{secret}"\n')
    for found in (load(file, {"HOME": str(tmp_path)}), load(None, {"HOME": "/x", variable: CLEAR[name]})):
        assert getattr(getattr(found, section), key) == CLEAR[name]
        assert "Quite-Secret" not in repr(found)
    with pytest.raises(SettingsInvalid, match="both"):
        load(file, {"HOME": str(tmp_path), variable: CLEAR[name]})


def test_an_address_without_password_is_no_secret(tmp_path: Path) -> None:
    file = private(
        tmp_path / "a.toml", '[database]\nurl = "postgresql:///appliance"\n[limits]\nurl = "redis://store:1/0"\n'
    )
    assert load(file, {"HOME": str(tmp_path)}).database.url == "postgresql:///appliance"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o602, 0o777])
def test_a_secret_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    secret = private(tmp_path / "secret", "postgresql://a:b@c/d")
    secret.chmod(mode)
    with pytest.raises(SecretUnusable, match=f"{mode:o}") as refused:
        load(None, {"HOME": "/x", "APPLIANCE_DATABASE_URL_FILE": str(secret)})
    assert refused.value.way_out == f"Run: chmod 600 {secret}"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440])
def test_one_that_a_secret_store_gives_to_a_group_is_taken(tmp_path: Path, mode: int) -> None:
    secret = private(tmp_path / "secret", "postgresql://a:b@c/d")
    secret.chmod(mode)
    assert load(None, {"HOME": "/x", "APPLIANCE_DATABASE_URL_FILE": str(secret)}).database.url == "postgresql://a:b@c/d"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 70_000])
def test_a_file_without_a_secret_is_named(tmp_path: Path, content: bytes) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(content)
    secret.chmod(0o600)
    with pytest.raises(SecretUnusable, match="metrics.token_file"):
        load(None, {"HOME": "/x", "APPLIANCE_METRICS_TOKEN_FILE": str(secret)})


@pytest.mark.parametrize(
    "url", ["chat.example.org", "ftp://x.test", "https://x.test/app", "https://u:p@x.test", "https://"]
)
def test_a_public_address_is_that_of_a_whole_host(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="public_url"):
        load(None, {"HOME": "/x", "APPLIANCE_SERVER_PUBLIC_URL": url})


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Chat.Example.org/", "https://chat.example.org"),
        ("https://chat.example.org:443", "https://chat.example.org"),
        ("https://chat.example.org:8443", "https://chat.example.org:8443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("", ""),
    ],
)
def test_the_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert load(None, {"HOME": "/x", "APPLIANCE_SERVER_PUBLIC_URL": url}).origin == origin

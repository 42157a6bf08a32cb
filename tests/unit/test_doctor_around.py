"""Checks of what lies around a host: the bundle, the models' disk, the provider of logins, parts on other hosts."""

import json
import platform
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from appliance.planning.checks import FAILED, OK, WARNING, Host, Limits, around

HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
PYTHON = ".".join(map(str, sys.version_info[:3]))


def bundle_for(folder: Path, **changes: str) -> Path:
    target = {"codename": "bookworm", "python": PYTHON, "architecture": HERE} | changes
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"version": "1.2.3", "targets": [target]}), encoding="utf-8")
    return folder


def looked(check: Any, host: Host) -> dict[str, str]:
    return {f.check: f.state for f in check(host)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"bundle": OK, "bundle-python": OK, "bundle-machine": OK}),
        ({"codename": "trixie"}, {"bundle": FAILED}),
        ({"python": "3.9.2"}, {"bundle": OK, "bundle-python": WARNING, "bundle-machine": OK}),
        ({"architecture": "riscv64"}, {"bundle": OK, "bundle-python": OK, "bundle-machine": FAILED}),
    ],
)
def test_a_bundle_is_for_this_host_or_not(tmp_path: Path, changes: dict[str, str], expected: dict[str, str]) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "os-release").write_text('ID=debian\nVERSION_CODENAME="bookworm"\n', encoding="utf-8")
    folder = bundle_for(tmp_path / "bundle", **changes)
    assert looked(around.bundle, Host(root=tmp_path, bundle=str(folder))) == expected


@pytest.mark.parametrize("text", ["", "[]", '{"targets": [{}]}', "\x00"])
def test_what_is_no_bundle_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    assert looked(around.bundle, Host(root=tmp_path, bundle=str(tmp_path))) == {"bundle": FAILED}
    assert looked(around.bundle, Host(root=tmp_path)) == {}


def test_the_disk_of_models_is_timed(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(bytes(8 * 2**20))
    assert looked(around.models, Host(models=str(tmp_path), limits=Limits(read_mib_s=0.001))) == {"model-disk": OK}
    slow = Host(models=str(tmp_path), limits=Limits(read_mib_s=10_000_000))
    assert looked(around.models, slow) == {"model-disk": WARNING}
    assert looked(around.models, Host(models=str(tmp_path / "nowhere"))) == {"model-disk": WARNING}


class Provider(BaseHTTPRequestHandler):
    issuer: ClassVar[str] = ""
    date: ClassVar[str] = ""

    def do_GET(self) -> None:
        body = json.dumps({"issuer": self.issuer}).encode()
        self.send_response_only(200 if self.path == around.DISCOVERY else 404)
        self.send_header("Date", self.date or self.date_time_string())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(Provider, "issuer", address)
        yield address
        server.shutdown()


def test_a_provider_is_there_is_itself_and_of_our_time(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked(around.provider, Host(issuer=provider)) == {"issuer": OK, "issuer-clock": OK}
    assert looked(around.provider, Host(issuer=provider + "/")) == {"issuer": FAILED, "issuer-clock": OK}, (
        "not the same"
    )
    monkeypatch.setattr(Provider, "date", "Wed, 21 Oct 2015 07:28:00 GMT")
    assert looked(around.provider, Host(issuer=provider)) == {"issuer": OK, "issuer-clock": FAILED}
    monkeypatch.setattr(Provider, "date", "soon")
    monkeypatch.setattr(Provider, "issuer", "https://somebody.example")
    assert looked(around.provider, Host(issuer=provider)) == {"issuer": FAILED, "issuer-clock": WARNING}
    assert looked(around.provider, Host(issuer=f"{provider}/realms/none")) == {"issuer": FAILED}
    assert looked(around.provider, Host(issuer="file:///etc/passwd")) == {"issuer": FAILED}


def test_parts_on_other_hosts_are_reached_or_named() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        there = f"127.0.0.1:{listener.getsockname()[1]}"
        assert looked(around.others, Host(reach=(there,))) == {f"reach-{there}": OK}
    found = looked(around.others, Host(reach=(there, "nonsense")))
    assert found == {f"reach-{there}": FAILED, "reach-nonsense": FAILED}

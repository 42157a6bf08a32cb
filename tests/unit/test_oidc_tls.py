"""The way to the provider: its certificate is checked, by authorities of our own choice, and nothing stands between."""

import ipaddress
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.identity.oidc import OidcSettings, ProviderUnavailable
from appliance.identity.oidc.fetch import Fetch
from appliance.identity.oidc.provider import Provider
from tests.fakes.provider import CLIENT, FakeProvider


@dataclass
class Authority:
    """Signs certificates for the loopback address."""

    folder: Path
    name: str

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        made = self._certificate(self.subject, self.key.public_key(), is_authority=True)
        self.file = self.folder / f"{self.name}.pem"
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def server(self, *, valid: bool = True) -> ssl.SSLContext:
        """`valid`: or over since yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        made = self._certificate(subject, key.public_key(), is_authority=False, valid=valid)
        file = self.folder / f"server-{valid}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, is_authority: bool, valid: bool = True
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self.subject).public_key(key)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=2))
        made = made.not_valid_after(now + timedelta(days=1 if valid else -1))
        made = made.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        made = made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
        )
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=is_authority,
            crl_sign=is_authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        made = made.add_extension(usage, critical=True)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = made.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return made.sign(self.key, hashes.SHA256())


@dataclass
class Behind:
    """A provider behind TLS."""

    provider: FakeProvider
    authority: Authority

    async def reads(self, issuer: str = "", ca_file: Path | None = None) -> bool:
        settings = OidcSettings(issuer or self.provider.issuer, CLIENT, ca_file=ca_file, timeout_s=10).checked()
        fetch = Fetch(settings)
        try:
            await Provider(settings, fetch).metadata()
        except ProviderUnavailable as refused:
            print(refused.message)
            return False
        finally:
            await fetch.close()
        return True


@pytest.fixture
async def behind(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Behind]:
    authority, provider = Authority(tmp_path, "firm"), FakeProvider()
    runner = web.AppRunner(provider.application())
    await runner.setup()
    context = authority.server(valid=getattr(request, "param", True))
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    provider.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    yield Behind(provider, authority)
    await runner.cleanup()


async def test_our_own_authorities_count_and_no_others(behind: Behind, tmp_path: Path) -> None:
    assert await behind.reads(ca_file=behind.authority.file)
    assert not await behind.reads(), "the machine's authorities do not know it"
    assert not await behind.reads(ca_file=Authority(tmp_path, "stranger").file)


async def test_the_certificate_must_be_for_this_host(behind: Behind) -> None:
    issuer = behind.provider.issuer.replace("127.0.0.1", "localhost")
    assert not await behind.reads(issuer, behind.authority.file)


@pytest.mark.parametrize("behind", [False], indirect=True)
async def test_a_certificate_that_is_over_is_refused(behind: Behind) -> None:
    assert not await behind.reads(ca_file=behind.authority.file)


async def test_no_proxy_of_the_environment_is_asked(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert await behind.reads(ca_file=behind.authority.file)

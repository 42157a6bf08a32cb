"""The installation's own authority, and the certificate of its proxy; or the files that the description names."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.installation import Installation
from appliance.installation.placement import public_name
from appliance.operations.secretwords import write_private

AUTHORITY_DAYS = 3650
LEAF_DAYS = 397
"""As long as browsers believe one."""
RENEW_DAYS = 30
"""So long before its end a new one is made."""


def ensure_certificates(installation: Installation, description: Path, folder: Path) -> None:
    """Leave `ca.pem`, `proxy.pem` and `proxy.key` in the folder, anew only when they do not serve any more.

    Raises:
        OSError: a file that the description names cannot be read.
    """
    tls = installation.tls
    if tls.mode == "files":
        here = description.absolute().parent
        (folder / "proxy.pem").write_bytes((here / tls.certificate_file).read_bytes())
        write_private(folder / "proxy.key", (here / tls.key_file).read_text(encoding="ascii").strip())
        (folder / "ca.pem").write_bytes((here / tls.ca_file).read_bytes() if tls.ca_file else b"")
        return
    if not (folder / "ca.key").exists() or not (folder / "ca.pem").exists():
        _make_authority(installation.name, folder)
    names = sorted({public_name(installation), *filter(None, [installation.identity.hostname])})
    if not _serves(folder / "proxy.pem", names):
        _make_leaf(names, folder)


def _serves(file: Path, names: list[str]) -> bool:
    if not file.exists():
        return False
    leaf = x509.load_pem_x509_certificate(file.read_bytes())
    there = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    return sorted(there) == names and leaf.not_valid_after_utc > datetime.now(UTC) + timedelta(days=RENEW_DAYS)


def _make_authority(name: str, folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} private model appliance")])
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = (
        _begun(subject, subject, key.public_key(), AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA384())
    )
    write_private(folder / "ca.key", _pem(key))
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _make_leaf(names: list[str], folder: Path) -> None:
    issuer = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 - we made it
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    made = (
        _begun(subject, issuer.subject, key.public_key(), LEAF_DAYS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(signer, hashes.SHA384())
    )
    write_private(folder / "proxy.key", _pem(key))
    (folder / "proxy.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

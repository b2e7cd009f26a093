"""Certificates for a server and for people, signed by an authority of the tests."""

from __future__ import annotations

import datetime as dt
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Name = list[tuple[x509.ObjectIdentifier, str]]
CN, FIRM, UNIT = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME


@dataclass(frozen=True, kw_only=True)
class Authority:
    folder: Path
    label: str

    @property
    def file(self) -> Path:
        return self.folder / f"{self.label}.pem"

    def made(self) -> Authority:
        self.folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(CN, self.label)])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        made = _builder(name, name, key.public_key()).add_extension(constraints, critical=True)
        _write(self.folder / self.label, key, made.sign(key, hashes.SHA256()))
        return self

    def certificate(self, label: str, name: Name, *, days: int = 1) -> Path:
        """One for `name`; the file ends in `.pem`, its key in `.key`."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.load_pem_x509_certificate(self.file.read_bytes())
        signer = serialization.load_pem_private_key(self.file.with_suffix(".key").read_bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in name])
        builder = _builder(subject, issuer.subject, key.public_key(), days=days)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("admin.example")]), critical=False)
        _write(self.folder / label, key, builder.sign(signer, hashes.SHA256()))
        return self.folder / f"{label}.pem"


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, *, days: int = 1
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    start = now - dt.timedelta(days=2)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _write(path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    path.with_suffix(".pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    path.with_suffix(".key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))


def trusting(authority: Authority, person: Path | None) -> ssl.SSLContext:
    """A client that believes `authority` and shows the certificate of `person`."""
    context = ssl.create_default_context(cafile=str(authority.file))
    if person is not None:
        context.load_cert_chain(person, person.with_suffix(".key"))
    return context

"""A certificate authority for tests: made anew in a temporary folder, never committed."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.chassis.config import TlsSettings
from services.chassis.identity import Identity, IdentityError, server_dns_name


class Pki:
    """One authority and what it issues, as files below ``folder``."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._count = 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        certificate = (
            _builder(self._name, self._name, self._key, timedelta(days=-1), timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, identity: str, *, valid: timedelta = timedelta(days=7)) -> TlsSettings:
        """Files of a party with the one URI ``identity`` and, for a server, its DNS name."""
        sans: list[x509.GeneralName] = [x509.UniformResourceIdentifier(identity)]
        with contextlib.suppress(IdentityError):
            sans.append(x509.DNSName(server_dns_name(Identity.parse(identity))))
        return self.issue_raw(sans, valid=valid)

    def issue_raw(
        self,
        sans: Sequence[x509.GeneralName],
        *,
        common_name: str = "test",
        starts: timedelta = timedelta(days=-1),
        valid: timedelta = timedelta(days=7),
        is_authority: bool = False,
        into: TlsSettings | None = None,
    ) -> TlsSettings:
        """Files of a certificate with just these names; over the files of ``into`` where given."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(common_name), self._name, key, starts, valid)
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
        if is_authority:
            builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        certificate = builder.sign(self._key, hashes.SHA256())
        self._count += 1
        paths = into or TlsSettings.model_construct(
            certificate=self.folder / f"{self._count}.pem",
            private_key=self.folder / f"{self._count}.key",
            ca=self.ca,
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        paths.certificate.write_bytes(pem)
        _write_key(paths.private_key, key)
        return paths


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    starts: timedelta,
    ends: timedelta,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + starts)
        .not_valid_after(now + ends)
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.touch(mode=0o600)
    path.write_bytes(pem)

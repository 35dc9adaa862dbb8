"""Attacks on certificate requests, and on certificates over the wire."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from libmatch.identity import Identity
from services.authority.certificates import CertificateAuthority, init_ca, issue
from services.authority.errors import CeremonyError
from services.authority.requests import new_tls_key, parse_request
from services.chassis.config import TlsSettings
from tests.ceremony import (
    DISTRICT,
    NOW,
    UNIT,
    Ceremony,
)
from tests.chassis_echo import serving

SECRET = "passphrase of the certificate authority"


@dataclass(frozen=True)
class Issuer:
    """A certificate authority with its key out in the open."""

    ca: CertificateAuthority
    key: ec.EllipticCurvePrivateKey
    world: Ceremony

    def certify(self, request: bytes, uri: str, now: datetime) -> bytes:
        identity = Identity.parse(uri)
        epoch = self.ca.verified_epoch(self.world.files())
        return issue(self.ca, self.key, parse_request(request), identity, epoch, now, 30)


@pytest.fixture(scope="module")
def issuer(_equipped: Ceremony) -> Issuer:
    folder = _equipped.root / "ca"
    now = datetime.now(UTC)
    ca = init_ca(folder, DISTRICT, _equipped.files().authorities, SECRET, now)
    return Issuer(ca, ca.unlock(SECRET), _equipped)


def request_for(*uris: str) -> bytes:
    names = [x509.UniformResourceIdentifier(uri) for uri in uris]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


# --- Certificate requests -------------------------------------------------------------------------


def test_a_request_for_another_identity_is_not_honoured(issuer: Issuer) -> None:
    before = len(os.listdir(issuer.ca.folder / "issued"))

    with pytest.raises(CeremonyError, match="asks for spiffe://fuling/unit/minzheng"):
        issuer.certify(
            request_for("spiffe://fuling/unit/minzheng"), f"spiffe://fuling/unit/{UNIT}", NOW
        )
    assert len(os.listdir(issuer.ca.folder / "issued")) == before


def test_a_request_with_two_identities_is_refused(issuer: Issuer) -> None:
    own = f"spiffe://fuling/unit/{UNIT}"

    with pytest.raises(CeremonyError, match="more than one name"):
        issuer.certify(request_for(own, "spiffe://fuling/inspector"), own, NOW)


def test_a_name_asked_for_beside_the_identity_is_not_in_the_certificate(issuer: Issuer) -> None:
    """A clerk asks for the host name of the matcher, to pose as it."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    names = [x509.DNSName("matcher.fuling.libmatch")]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    request = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    pem = request.public_bytes(serialization.Encoding.PEM)
    uri = f"spiffe://fuling/clerk/{UNIT}/li"
    leaf = x509.load_pem_x509_certificate(issuer.certify(pem, uri, NOW))

    sans = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in sans] == [uri]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def write_tls(folder: Path, key: bytes, certificate: bytes, ca: bytes) -> TlsSettings:
    folder.mkdir()
    for name, data in (("key.pem", key), ("cert.pem", certificate), ("ca.pem", ca)):
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)
    return TlsSettings(
        certificate=folder / "cert.pem", private_key=folder / "key.pem", ca=folder / "ca.pem"
    )


def tls_for(issuer: Issuer, folder: Path, uri: str, now: datetime) -> TlsSettings:
    made = new_tls_key(Identity.parse(uri))
    certificate = issuer.certify(made.request, uri, now)
    return write_tls(folder, made.private_key, certificate, issuer.ca.root_pem)


def sign_raw(
    issuer_name: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    uri: str,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> bytes:
    """A certificate as ``services.authority`` would never make it."""
    builder = (
        x509.CertificateBuilder(issuer_name, x509.Name([]), key.public_key(), 7)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), critical=True
        )
    )
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.fixture(scope="module")
def address(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a certificate of the authority; it answers who called."""
    folder = tmp_path_factory.mktemp("server")
    tls = tls_for(issuer, folder / "tls", "spiffe://fuling/matcher", datetime.now(UTC))
    with serving(tls, folder) as server:
        yield server.address


def call(address: str, tls: TlsSettings, host: str = "matcher.fuling.libmatch") -> bytes:
    files = (tls.ca, tls.private_key, tls.certificate)
    credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    options = [
        ("grpc.ssl_target_name_override", host),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    channel: Any = grpc.secure_channel(address, credentials, options)
    with closing(channel):
        answer: bytes = channel.unary_unary("/test.Echo/Who")(b"", timeout=5)
        return answer


def refused(address: str, tls: TlsSettings, **more: str) -> str:
    with pytest.raises(grpc.RpcError) as failure:
        call(address, tls, **more)
    return str(failure.value.code().name)


# --- Certificates over the wire -------------------------------------------------------------------


def test_what_the_authority_issues_gets_in_under_its_name(
    issuer: Issuer, address: str, tmp_path: Path
) -> None:
    uri = f"spiffe://fuling/unit/{UNIT}"

    assert call(address, tls_for(issuer, tmp_path / "t", uri, datetime.now(UTC))) == uri.encode()


def test_an_expired_certificate_gets_no_connection(
    issuer: Issuer, address: str, tmp_path: Path
) -> None:
    past = datetime.now(UTC) - timedelta(days=31)
    tls = tls_for(issuer, tmp_path / "t", f"spiffe://fuling/unit/{UNIT}", past)

    assert refused(address, tls) == "UNAVAILABLE"


def test_the_root_certifies_nobody_of_another_district(
    issuer: Issuer, address: str, tmp_path: Path
) -> None:
    """Even with the root's key in hand: the name constraints stop it in the handshake."""
    for number, uri in enumerate(("spiffe://nanan/unit/a", "spiffe://fuling.evil/unit/a")):
        key = ec.generate_private_key(ec.SECP256R1())
        pem = sign_raw(issuer.ca.root.subject, issuer.key, uri, key, datetime.now(UTC))
        tls = write_tls(tmp_path / str(number), key_pem(key), pem, issuer.ca.root_pem)
        assert refused(address, tls) == "UNAVAILABLE"


def test_a_unit_cannot_certify_anyone_with_its_own_certificate(
    issuer: Issuer, address: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    own = tls_for(issuer, tmp_path / "own", f"spiffe://fuling/unit/{UNIT}", now)
    leaf = x509.load_pem_x509_certificate(own.certificate.read_bytes())
    signer = serialization.load_pem_private_key(own.private_key.read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    forged = sign_raw(leaf.subject, signer, "spiffe://fuling/inspector", key, now)
    chain = forged + own.certificate.read_bytes()
    tls = write_tls(tmp_path / "forged", key_pem(key), chain, issuer.ca.root_pem)

    assert refused(address, tls) == "UNAVAILABLE"


def test_a_clerk_cannot_pose_as_a_server(issuer: Issuer, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    clerk = tls_for(issuer, tmp_path / "clerk", f"spiffe://fuling/clerk/{UNIT}/li", now)
    unit = tls_for(issuer, tmp_path / "unit", f"spiffe://fuling/unit/{UNIT}", now)
    with serving(clerk, tmp_path) as server:
        assert refused(server.address, unit) == "UNAVAILABLE"


def test_a_unit_cannot_pose_as_the_matcher(issuer: Issuer, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    rogue = tls_for(issuer, tmp_path / "rogue", "spiffe://fuling/unit/minzheng", now)
    unit = tls_for(issuer, tmp_path / "unit", f"spiffe://fuling/unit/{UNIT}", now)
    with serving(rogue, tmp_path) as server:
        assert refused(server.address, unit) == "UNAVAILABLE"
        own_name = "minzheng.unit.fuling.libmatch"
        assert call(server.address, unit, own_name) == f"spiffe://fuling/unit/{UNIT}".encode()

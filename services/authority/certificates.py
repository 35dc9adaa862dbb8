"""The district's certificate authority: one root, whose certificates name exactly one identity each.

::

    ca.pem        root certificate: path length 0, bound to the district's trust domain and DNS names
    ca.key        its key (purpose "ca-key")            authorities   authority keys that sign rosters
    issued/…      every certificate issued, by serial number

A certificate opens a connection and no more: batches and notices are signed with keys of the roster, which
takes two custodians. Whether a unit may have a certificate is read from the signed roster, the identity from
the command line; a request is believed in nothing but its public key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from libmatch.errors import KeyFileError
from libmatch.identity import Identity, server_dns_name
from libmatch.keyfile import protect, unprotect
from libmatch.kit import read_file
from libmatch.manifest import Epoch, Member, Role
from services.authority.epoch_folder import (
    AUTHORITIES,
    EpochFiles,
    encode_authority_keys,
    read_authority_keys,
)
from services.authority.errors import CeremonyError
from services.authority.requests import Request
from services.chassis.owner_files import PUBLIC, make_private_folder, write_new

CA_PURPOSE = "ca-key"
CA_VALIDITY = timedelta(days=3653)
DEFAULT_DAYS = 397
MAX_DAYS = 825
_CLOCK_SKEW = timedelta(minutes=10)  # machines on a closed network drift
_SERVERS = frozenset({"matcher", "inspector", "unit"})
_LEVELS = {"matcher": 1, "inspector": 1, "unit": 2, "officer": 2, "organisation": 2, "clerk": 3}


@dataclass(frozen=True)
class CertificateAuthority:
    """A district's authority: its folder, district and root certificate."""

    folder: Path
    district: str
    root: x509.Certificate

    @property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.PEM)

    def verified_epoch(self, files: EpochFiles) -> Epoch:
        """``files``, signed by authorities that this CA trusts. Raises ManifestError, CeremonyError."""
        return files.verified(read_authority_keys(self.folder / AUTHORITIES))

    def unlock(self, passphrase: str) -> ec.EllipticCurvePrivateKey:
        """The root's private key. Raises KeyFileError."""
        data = read_file(self.folder / "ca.key", "the certificate authority's key")
        der = unprotect(data, passphrase, purpose=CA_PURPOSE)
        key = serialization.load_der_private_key(der, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeyFileError("ca.key: not an ECDSA key")
        if key.public_key() != self.root.public_key():
            raise KeyFileError("ca.key is not the key of ca.pem")
        return key


def init_ca(
    folder: Path, district: str, authorities: frozenset[bytes], passphrase: str, now: datetime
) -> CertificateAuthority:
    """The new authority of ``district`` in the new folder ``folder``, valid for ten years.

    Raises KeyFileError (passphrase), IdentityError (district), FileExistsError.
    """
    Identity(district, "matcher")
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    root = _root(key, district, now)
    data = protect(secret, passphrase, purpose=CA_PURPOSE)
    make_private_folder(folder)
    (folder / "issued").mkdir(mode=0o700)
    write_new(folder / "ca.key", data)
    write_new(folder / AUTHORITIES, encode_authority_keys(authorities), mode=PUBLIC)
    write_new(folder / "ca.pem", root.public_bytes(serialization.Encoding.PEM), mode=PUBLIC)
    return CertificateAuthority(folder, district, root)


def open_ca(folder: Path) -> CertificateAuthority:
    """The authority in ``folder``, without the passphrase. Raises KeyFileError."""
    try:
        root = x509.load_pem_x509_certificate(read_file(folder / "ca.pem", "the root certificate"))
        names = root.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        return CertificateAuthority(folder, str(names[0].value), root)
    except (ValueError, IndexError):
        raise KeyFileError("ca.pem is not this system's root certificate") from None


def check_entitled(ca: CertificateAuthority, identity: Identity, epoch: Epoch) -> None:
    """Return if ``identity`` belongs to this district and is enrolled. Raises CeremonyError."""
    path = [identity.role, *filter(None, (identity.name, identity.login))]
    if identity.trust_domain != ca.district or _LEVELS.get(identity.role) != len(path):
        raise CeremonyError(
            f"{identity} is not an identity of {ca.district}",
            f"{identity} 不是 {ca.district} 的身份。可用：matcher、inspector、officer/姓名、"
            "organisation/姓名（区委组织部）、unit/单位、clerk/单位/登录名",
        )
    if identity.role in {"unit", "clerk"} and not _is_unit(epoch, identity.name):
        raise CeremonyError(
            f"{identity.name} is not an active unit of the roster",
            f"{identity.name} 不在已签名的名册中（或已注销），不能发证",
        )


def _is_unit(epoch: Epoch, name: str) -> bool:
    units: list[Member] = list(epoch.roster.with_role(Role.REGISTRY | Role.BENEFICIARY))
    return name in {member.unit for member in units}


def issue(
    ca: CertificateAuthority,
    key: ec.EllipticCurvePrivateKey,
    request: Request,
    identity: Identity,
    epoch: Epoch,
    now: datetime,
    days: int = DEFAULT_DAYS,
) -> bytes:
    """The PEM certificate of ``identity`` for the key of ``request``; a copy stays in ``issued``.

    ``key`` is the root's (``CertificateAuthority.unlock``).
    Raises CeremonyError where the request asks for another identity, or ``check_entitled`` refuses.
    """
    check_entitled(ca, identity, epoch)
    if request.asked is not None and request.asked != identity:
        raise CeremonyError(
            f"the request asks for {request.asked}, not for {identity}",
            f"证书申请要求的身份是 {request.asked}，与您指定的 {identity} 不符；未签发，请核实来源",
        )
    if not 1 <= days <= MAX_DAYS:
        raise CeremonyError(
            f"a certificate is valid for 1 to {MAX_DAYS} days", f"证书有效期须为 1 至 {MAX_DAYS} 天"
        )
    if now >= ca.root.not_valid_after_utc:
        raise CeremonyError("the root certificate has expired", "根证书已过期，须重新建立")
    leaf = _leaf(ca, key, request, identity, now, days)
    pem = leaf.public_bytes(serialization.Encoding.PEM)
    write_new(ca.folder / "issued" / f"{leaf.serial_number:040x}.pem", pem)
    return pem


def _root(key: ec.EllipticCurvePrivateKey, district: str, now: datetime) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "libmatch"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, district),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{district} authority"[:64]),
        ]
    )
    # URI constraints are on the host alone, which in a SPIFFE URI is the trust domain.
    bounds = [x509.UniformResourceIdentifier(district), x509.DNSName(f"{district}.libmatch")]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + CA_VALIDITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(bounds, excluded_subtrees=None), critical=True)
        .add_extension(identifier, critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def _leaf(
    ca: CertificateAuthority,
    key: ec.EllipticCurvePrivateKey,
    request: Request,
    identity: Identity,
    now: datetime,
    days: int,
) -> x509.Certificate:
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(str(identity))]
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if identity.role in _SERVERS:
        names.append(x509.DNSName(server_dns_name(identity)))
        uses.append(ExtendedKeyUsageOID.SERVER_AUTH)
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "libmatch")])
    end = min(now + timedelta(days=days), ca.root.not_valid_after_utc)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder(
            ca.root.subject, subject, request.public_key, x509.random_serial_number()
        )
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(identifier, critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )

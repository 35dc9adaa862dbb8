from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from libmatch.errors import KeyFileError, ManifestError
from libmatch.identity import Identity, IdentityError
from services.authority.certificates import CertificateAuthority, init_ca, issue, open_ca
from services.authority.enrol import revoke
from services.authority.epoch_folder import EpochFiles, save_signatures
from services.authority.errors import CeremonyError
from services.authority.requests import new_tls_key, parse_request
from services.authority.sign import sign_epoch
from tests.ceremony import DISTRICT, NOW, SECRETS, Ceremony, agree

SECRET = "passphrase of the certificate authority"
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@pytest.fixture
def ca(held: Ceremony) -> CertificateAuthority:
    return init_ca(held.root / "ca", DISTRICT, held.files().authorities, SECRET, NOW)


def certify(
    ca: CertificateAuthority, held: Ceremony, uri: str, asked: str = "", days: int = 100
) -> x509.Certificate:
    identity = Identity.parse(uri)
    request = parse_request(new_tls_key(Identity.parse(asked or uri)).request)
    epoch = ca.verified_epoch(held.files())
    return x509.load_pem_x509_certificate(
        issue(ca, ca.unlock(SECRET), request, identity, epoch, NOW, days)
    )


def names(leaf: x509.Certificate) -> tuple[list[str], list[str]]:
    value = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        value.get_values_for_type(x509.UniformResourceIdentifier),
        value.get_values_for_type(x509.DNSName),
    )


def request_pem(*sans: x509.GeneralName, key: Key | None = None) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    signer = key or ec.generate_private_key(ec.SECP256R1())
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signer, algorithm).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("path", "dns"),
    [
        ("matcher", ["matcher.fuling.libmatch"]),
        ("inspector", ["inspector.fuling.libmatch"]),
        ("unit/caizheng", ["caizheng.unit.fuling.libmatch"]),
        ("officer/zhang", []),
        ("clerk/caizheng/li", []),
    ],
)
def test_a_certificate_names_one_identity_and_servers_their_host(
    ca: CertificateAuthority, held: Ceremony, path: str, dns: list[str]
) -> None:
    leaf = certify(ca, held, f"spiffe://fuling/{path}")

    assert names(leaf) == ([f"spiffe://fuling/{path}"], dns)
    uses = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert (ExtendedKeyUsageOID.SERVER_AUTH in uses) == bool(dns)
    assert ExtendedKeyUsageOID.CLIENT_AUTH in uses
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    leaf.verify_directly_issued_by(ca.root)


def test_the_root_is_bound_to_its_district(ca: CertificateAuthority) -> None:
    constraints = ca.root.extensions.get_extension_for_oid(ExtensionOID.NAME_CONSTRAINTS)
    basic = ca.root.extensions.get_extension_for_class(x509.BasicConstraints).value

    assert constraints.critical
    assert (basic.ca, basic.path_length) == (True, 0)
    assert isinstance(constraints.value, x509.NameConstraints)
    permitted = constraints.value.permitted_subtrees or []
    assert [name.value for name in permitted] == ["fuling", "fuling.libmatch"]


def test_validity_is_what_was_asked_and_never_beyond_the_root(
    ca: CertificateAuthority, held: Ceremony
) -> None:
    assert certify(ca, held, "spiffe://fuling/matcher", days=90).not_valid_after_utc == (
        NOW + timedelta(days=90)
    )
    late = ca.root.not_valid_after_utc - timedelta(days=1)
    request = parse_request(new_tls_key(Identity("fuling", "matcher")).request)
    epoch = ca.verified_epoch(held.files())
    pem = issue(ca, ca.unlock(SECRET), request, Identity("fuling", "matcher"), epoch, late)
    assert x509.load_pem_x509_certificate(pem).not_valid_after_utc == ca.root.not_valid_after_utc
    late += timedelta(days=1)
    with pytest.raises(CeremonyError, match="has expired"):
        issue(ca, ca.unlock(SECRET), request, Identity("fuling", "matcher"), epoch, late)


@pytest.mark.parametrize("days", [0, -1, 826])
def test_unreasonable_validity_is_refused(
    ca: CertificateAuthority, held: Ceremony, days: int
) -> None:
    with pytest.raises(CeremonyError, match="days"):
        certify(ca, held, "spiffe://fuling/matcher", days=days)


def test_every_certificate_is_kept(ca: CertificateAuthority, held: Ceremony) -> None:
    leaf = certify(ca, held, "spiffe://fuling/matcher")

    (kept,) = (ca.folder / "issued").iterdir()
    assert x509.load_pem_x509_certificate(kept.read_bytes()) == leaf


@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://other/unit/caizheng",
        "spiffe://fuling/authority",
        "spiffe://fuling/unit",
        "spiffe://fuling/matcher/x",
        "spiffe://fuling/clerk/caizheng",
        "spiffe://fuling/unit/nobody",
        "spiffe://fuling/unit/jiwei",
        "spiffe://fuling/clerk/nobody/li",
    ],
)
def test_who_is_not_of_the_district_and_its_roster_gets_none(
    ca: CertificateAuthority, held: Ceremony, uri: str
) -> None:
    with pytest.raises(CeremonyError):
        certify(ca, held, uri)
    assert list((ca.folder / "issued").iterdir()) == []


def test_a_revoked_unit_gets_no_certificate(ca: CertificateAuthority, held: Ceremony) -> None:
    save_signatures(held.epoch_folder, revoke(held.files(), held.epoch(), "caizheng"))
    for number in (1, 2):
        sign_epoch(held.custodian(number), SECRETS[number], held.epoch_folder, agree)

    with pytest.raises(CeremonyError, match="not an active unit"):
        certify(ca, held, "spiffe://fuling/unit/caizheng")


def test_a_roster_of_other_authorities_entitles_nobody(
    ca: CertificateAuthority, draft: Ceremony, held: Ceremony
) -> None:
    with pytest.raises(ManifestError):
        ca.verified_epoch(draft.files())
    forged = EpochFiles(frozenset({bytes(32)}), held.files().manifest, held.files().roster)
    assert ca.verified_epoch(forged) == held.epoch()  # its own list counts, not the folder's


def test_the_root_key_needs_its_passphrase_and_its_root(
    ca: CertificateAuthority, held: Ceremony, tmp_path: Path
) -> None:
    with pytest.raises(KeyFileError):
        ca.unlock("a wrong passphrase")
    other = init_ca(tmp_path / "other", DISTRICT, frozenset(), SECRET, NOW)
    (ca.folder / "ca.key").write_bytes((other.folder / "ca.key").read_bytes())
    with pytest.raises(KeyFileError, match="not the key of"):
        ca.unlock(SECRET)


def test_a_root_reads_back(ca: CertificateAuthority) -> None:
    assert open_ca(ca.folder) == ca
    assert (ca.folder / "ca.key").stat().st_mode & 0o077 == 0


def test_a_folder_without_a_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        open_ca(tmp_path)
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(KeyFileError):
        open_ca(tmp_path)


def test_a_district_that_is_no_trust_domain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IdentityError):
        init_ca(tmp_path / "ca", "涪陵", frozenset(), SECRET, NOW)
    assert not (tmp_path / "ca").exists()


def test_a_request_without_names_is_taken_and_asks_for_nothing() -> None:
    assert parse_request(request_pem()).asked is None
    assert parse_request(request_pem(x509.DNSName("matcher.fuling.libmatch"))).asked is None


def test_both_sides_see_the_same_fingerprint_of_a_request() -> None:
    made = new_tls_key(Identity("fuling", "unit", "caizheng"))

    assert parse_request(made.request).fingerprint == made.fingerprint
    assert parse_request(made.request).asked == Identity("fuling", "unit", "caizheng")


def uri(value: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(value)


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"-----BEGIN CERTIFICATE REQUEST-----\n", id="truncated"),
        pytest.param(
            request_pem(uri("spiffe://fuling/matcher"), uri("spiffe://fuling/inspector")),
            id="two-identities",
        ),
        pytest.param(
            request_pem(uri("spiffe://fuling/matcher"), x509.RFC822Name("a@b")), id="mail"
        ),
        pytest.param(request_pem(uri("https://fuling/matcher")), id="no-spiffe"),
        pytest.param(request_pem(key=ed25519.Ed25519PrivateKey.generate()), id="ed25519"),
        pytest.param(request_pem(key=ec.generate_private_key(ec.SECP224R1())), id="weak-curve"),
        pytest.param(
            request_pem(key=rsa.generate_private_key(public_exponent=65537, key_size=2048)),
            id="rsa",
        ),
    ],
)
def test_a_request_that_is_no_good_is_refused(pem: bytes) -> None:
    with pytest.raises(CeremonyError):
        parse_request(pem)


def test_a_request_that_was_altered_is_refused() -> None:
    pem = new_tls_key(Identity("fuling", "unit", "caizheng")).request
    der = x509.load_pem_x509_csr(pem).public_bytes(serialization.Encoding.DER)
    altered = der.replace(b"caizheng", b"minzheng")
    request = x509.load_der_x509_csr(altered)

    with pytest.raises(CeremonyError, match="not signed by its own key"):
        parse_request(request.public_bytes(serialization.Encoding.PEM))

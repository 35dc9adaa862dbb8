"""Attacks on the offline authority and on what it hands out: keys, shares, rosters, certificates.

Each attacker has what his place gives him: one custodian his own folder, the matcher its log key, a unit its
kit, a stranger the files that are carried about.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from libmatch.encoding import enc, u8
from libmatch.errors import (
    BatchError,
    EncodingError,
    EpochError,
    KeyFileError,
    LibmatchError,
    ManifestError,
    ShareError,
)
from libmatch.identity import Identity
from libmatch.keyfile import protect, unprotect
from libmatch.keys import SigningKey
from libmatch.kit import PartyKeys, read_epoch, read_holder, read_party_keys
from libmatch.manifest import Member, Role, SignedDocument, Status, open_epoch
from libmatch.suites import get_suite
from services.authority.cards import PartyCard, read_party_card
from services.authority.certificates import CertificateAuthority, init_ca, issue
from services.authority.deliver import deliver
from services.authority.enrol import enrol, revoke
from services.authority.epoch_folder import read_epoch_files, save_signatures
from services.authority.errors import CeremonyError
from services.authority.install import install
from services.authority.requests import new_tls_key, parse_request
from services.authority.sign import sign_epoch
from services.chassis.config import TlsSettings
from tests.ceremony import (
    DISTRICT,
    NOW,
    PASSPHRASE,
    SECRETS,
    Ceremony,
    agree,
    deal_falsely,
    hold_ceremony,
)
from tests.chassis_echo import serving

UNIT = "caizheng"
SECRET = "passphrase of the certificate authority"


@pytest.fixture(scope="module")
def _equipped(tmp_path_factory: pytest.TempPathFactory) -> Ceremony:
    ceremony = hold_ceremony(tmp_path_factory.mktemp("equipped"))
    deliveries = ceremony.deliver()
    for unit in (UNIT, "minzheng"):
        install(ceremony.kit(unit), deliveries / unit, unit, ceremony.keys(unit))
    install(ceremony.kit("matcher"), deliveries / "_matcher", "", None)
    return ceremony


@pytest.fixture
def world(_equipped: Ceremony, tmp_path: Path) -> Ceremony:
    """A district after the ceremony, the test's own to spoil."""
    return _equipped.copy(tmp_path / "world")


@pytest.fixture(scope="module")
def keys(_equipped: Ceremony) -> PartyKeys:
    return _equipped.keys(UNIT)


def work(world: Ceremony, keys: PartyKeys, now: datetime = NOW) -> None:
    """What every unit does first. Raises what an attack should raise."""
    read_holder(world.kit(UNIT), UNIT, keys, now)


# Shares


def test_an_altered_share_names_its_custodian(world: Ceremony, keys: PartyKeys) -> None:
    for number in (1, 2):
        path = world.kit(UNIT) / "epoch" / f"share-{number}"
        good = path.read_bytes()
        for position in (0, 1119, 1120, len(good) - 1):
            path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
            with pytest.raises(ShareError) as refused:
                work(world, keys)
            assert refused.value.custodian == number
        path.write_bytes(good)
    work(world, keys)


def test_a_custodian_who_deals_another_share_than_he_committed_to_is_named(
    world: Ceremony, keys: PartyKeys
) -> None:
    share = world.kit(UNIT) / "epoch" / "share-2"
    share.write_bytes(deal_falsely(world, UNIT, 2))

    with pytest.raises(ShareError) as refused:
        work(world, keys)
    assert refused.value.custodian == 2


def test_shares_do_not_change_places(world: Ceremony, keys: PartyKeys) -> None:
    epoch = world.kit(UNIT) / "epoch"
    one, two = (epoch / f"share-{number}" for number in (1, 2))
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)

    with pytest.raises(ShareError) as refused:
        work(world, keys)
    assert refused.value.custodian == 1


def test_another_units_share_does_not_open(world: Ceremony, keys: PartyKeys) -> None:
    other = (world.kit("minzheng") / "epoch" / "share-1").read_bytes()
    (world.kit(UNIT) / "epoch" / "share-1").write_bytes(other)

    with pytest.raises(ShareError) as refused:
        work(world, keys)
    assert refused.value.custodian == 1


def test_one_custodian_alone_cannot_derive_the_key(world: Ceremony, keys: PartyKeys) -> None:
    holder = read_holder(world.kit(UNIT), UNIT, keys, NOW)
    own = world.custodian(1).read_share(1, SECRETS[1])
    prf = get_suite(1).prf
    for other in (own.reveal(), bytes(32), world.epoch().manifest.commitments[1]):
        combined = prf(bytes(32), enc("K", own.reveal(), other))
        guess = prf(combined, enc("epoch", world.epoch().epoch_id))
        assert guess != holder.key.reveal()


# Signatures


def test_the_signature_of_one_custodian_is_not_enough(world: Ceremony) -> None:
    files = world.files()
    one = files.manifest.signatures[0]
    for signatures in ((one,), (one, one), ()):
        lone = replace(files.manifest, signatures=signatures)
        with pytest.raises(ManifestError):
            open_epoch(lone, files.roster, files.authorities)


def test_a_custodian_cannot_sign_in_the_name_of_the_other(world: Ceremony) -> None:
    files = world.files()
    own, other = world.custodian(1), world.custodian(2)
    signature = own.unlock(SECRETS[1]).sign(files.roster.body)
    pairs = ((own.authority_key, signature), (other.authority_key, signature))
    forged = SignedDocument(files.roster.body, pairs)

    with pytest.raises(ManifestError):
        open_epoch(files.manifest, forged, files.authorities)


def stranger(unit: str = "gongsi") -> Member:
    made = PartyKeys.generate()
    return Member(unit, "某公司", Role.REGISTRY, made.signing.public_key, made.hpke.public_key)


def test_the_matcher_cannot_enrol_anyone(world: Ceremony) -> None:
    data = (world.kit("matcher") / "keys" / "log.key").read_bytes()
    log = SigningKey(unprotect(data, PASSPHRASE, purpose="log-key"))
    roster = world.epoch().roster
    members = tuple(sorted((*roster.members, stranger()), key=lambda member: member.unit))
    body = replace(roster, version=2, members=members).encode()
    own, second = SigningKey.generate(), SigningKey.generate()
    forged = SignedDocument(body)
    for key in (log, own, second):
        forged = forged.with_signature(key.public_key, key.sign(body))
    replayed = SignedDocument(body, world.files().roster.signatures)

    for document in (forged, replayed):
        (world.kit(UNIT) / "epoch" / "roster").write_bytes(document.encode())
        with pytest.raises(ManifestError):
            read_epoch(world.kit(UNIT))


def test_a_delivery_with_its_own_authorities_is_not_installed(world: Ceremony) -> None:
    """The matcher puts its own keys beside its own roster."""
    rogue = [SigningKey.generate(), SigningKey.generate()]
    files = world.files()
    roster = world.epoch().roster
    body = replace(roster, version=2, members=(*roster.members, stranger("zzz"))).encode()
    manifest, forged = SignedDocument(files.manifest.body), SignedDocument(body)
    for key in rogue:
        manifest = manifest.with_signature(key.public_key, key.sign(manifest.body))
        forged = forged.with_signature(key.public_key, key.sign(body))
    delivery = world.carried / "deliveries" / UNIT
    (delivery / "authorities").write_text("".join(f"{k.public_key.hex()}\n" for k in rogue))
    (delivery / "manifest").write_bytes(manifest.encode())
    (delivery / "roster").write_bytes(forged.encode())

    with pytest.raises(CeremonyError, match="other authorities"):
        install(world.kit(UNIT), delivery, UNIT, world.keys(UNIT))
    assert read_epoch(world.kit(UNIT)).roster.version == 1


def test_an_altered_manifest_or_roster_is_refused(world: Ceremony) -> None:
    for name in ("manifest", "roster"):
        path = world.kit(UNIT) / "epoch" / name
        good = path.read_bytes()
        for position in range(0, len(good), 97):
            path.write_bytes(good[:position] + bytes([good[position] ^ 4]) + good[position + 1 :])
            with pytest.raises((ManifestError, EncodingError)):
                read_epoch(world.kit(UNIT))
        for end in (0, 10, len(good) - 1):
            path.write_bytes(good[:end])
            with pytest.raises((ManifestError, EncodingError)):
                read_epoch(world.kit(UNIT))
        path.write_bytes(good)


def test_a_draft_with_one_honest_signature_does_not_leave_the_ceremony(world: Ceremony) -> None:
    """Custodian 1 enrols a unit of his own and goes on without custodian 2."""
    card = PartyCard.make("gongsi", "某公司", Role.REGISTRY, PartyKeys.generate())
    save_signatures(world.epoch_folder, enrol(world.files(), world.epoch(), [card]))
    sign_epoch(world.custodian(1), SECRETS[1], world.epoch_folder, agree)

    with pytest.raises(ManifestError, match="1 of at least 2"):
        deliver(
            world.epoch_folder, [world.carried / f"shares-{i}" for i in (1, 2)], world.root / "x"
        )


def test_a_revived_unit_is_seen_before_signing(world: Ceremony) -> None:
    """Somebody edits the draft so that it also revokes a unit: the summary says it."""
    files = world.files()
    roster = files.facts[1]
    edited = tuple(
        replace(m, status=Status.REVOKED) if m.unit == UNIT else m for m in roster.members
    )
    body = replace(roster, version=2, members=edited).encode()
    save_signatures(world.epoch_folder, replace(files, roster=SignedDocument(body)))
    shown: list[str] = []

    def refuse(text: str) -> bool:
        shown.append(text)
        return False

    with pytest.raises(CeremonyError):
        sign_epoch(world.custodian(1), SECRETS[1], world.epoch_folder, refuse)
    assert "变更：caizheng 区财政局（申报）【已注销】" in shown[0]
    assert len(read_epoch_files(world.epoch_folder).roster.signatures) == 0


# Cards


def test_a_card_exchanged_on_the_way_has_another_fingerprint(world: Ceremony) -> None:
    path = world.kit(UNIT) / "party.json"
    own = read_party_card(path)
    made = PartyCard.make(UNIT, "区财政局", Role.REGISTRY, PartyKeys.generate())
    path.write_bytes(made.encode())

    assert read_party_card(path).fingerprint != own.fingerprint


def test_a_card_cannot_claim_the_key_of_another(world: Ceremony) -> None:
    """A unit asks to be enrolled with the public key of 纪委, so as to get notices not meant for it."""
    victim = world.epoch().roster.find("jiwei")
    own = PartyKeys.generate()
    member = Member("gongsi", "某公司", Role.REGISTRY, own.signing.public_key, victim.hpke_key)
    signature = own.signing.sign(enc("party-card", member.encode()))

    with pytest.raises(CeremonyError, match="share a name or a key"):
        enrol(world.files(), world.epoch(), [PartyCard(member, signature)])


# Key files


def test_a_key_file_opens_with_its_passphrase_alone(world: Ceremony) -> None:
    for wrong in ("", "correct horse batterz", PASSPHRASE + " ", PASSPHRASE.upper()):
        with pytest.raises(KeyFileError):
            read_party_keys(world.kit(UNIT), wrong)


def test_an_altered_key_file_opens_nothing(world: Ceremony) -> None:
    path = world.kit(UNIT) / "keys" / "party.key"
    good = path.read_bytes()
    # Each field once: labels, lengths, purpose, public part, N, salt, nonce, ciphertext, tag.
    for position in (0, 4, 25, 40, 60, 200, len(good) - 145, len(good) - 120, len(good) - 1):
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        with pytest.raises(KeyFileError):
            read_party_keys(world.kit(UNIT), PASSPHRASE)
    for end in (0, 7, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:end])
        with pytest.raises(KeyFileError):
            read_party_keys(world.kit(UNIT), PASSPHRASE)


def test_a_key_file_that_asks_for_all_memory_is_refused() -> None:
    bomb = enc("key-file", b"party-keys", b"", u8(40), bytes(16), bytes(12), bytes(48))

    with pytest.raises(KeyFileError, match="memory"):
        unprotect(bomb, PASSPHRASE, purpose="party-keys")


def test_a_key_of_one_purpose_is_not_used_for_another() -> None:
    data = protect(os.urandom(32), PASSPHRASE, purpose="log-key")

    with pytest.raises(KeyFileError):
        unprotect(data, PASSPHRASE, purpose="authority-key")


# Time


def test_an_epoch_is_not_used_outside_its_validity(world: Ceremony, keys: PartyKeys) -> None:
    manifest = world.epoch().manifest
    work(world, keys, manifest.not_before)
    work(world, keys, manifest.not_after - timedelta(seconds=1))
    for now in (manifest.not_before - timedelta(seconds=1), manifest.not_after):
        with pytest.raises(EpochError):
            work(world, keys, now)


def test_a_revoked_unit_does_not_work_on(world: Ceremony, keys: PartyKeys) -> None:
    save_signatures(world.epoch_folder, revoke(world.files(), world.epoch(), UNIT))
    for number in (1, 2):
        sign_epoch(world.custodian(number), SECRETS[number], world.epoch_folder, agree)
    roster = (world.epoch_folder / "roster").read_bytes()
    (world.kit(UNIT) / "epoch" / "roster").write_bytes(roster)

    with pytest.raises(BatchError):
        work(world, keys)


# Certificate requests


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


# Certificates over the wire


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


def test_no_refusal_repeats_a_secret(world: Ceremony) -> None:
    share = world.custodian(1).read_share(1, SECRETS[1]).reveal().hex()
    errors: list[LibmatchError] = []
    for attempt in (
        lambda: read_party_keys(world.kit(UNIT), "a wrong passphrase"),
        lambda: world.custodian(1).read_share(2, SECRETS[1]),
        lambda: world.custodian(1).unlock("another wrong one"),
    ):
        with pytest.raises(LibmatchError) as failed:
            attempt()
        errors.append(failed.value)

    for error in errors:
        for secret in (share, PASSPHRASE, SECRETS[1], "a wrong passphrase", "another wrong one"):
            assert secret not in str(error)

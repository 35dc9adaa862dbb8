"""Attacks on manifests, rosters and cards: by one custodian, by the matcher, by a stranger on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from libmatch.encoding import enc
from libmatch.errors import (
    EncodingError,
    ManifestError,
)
from libmatch.keyfile import unprotect
from libmatch.keys import SigningKey
from libmatch.kit import PartyKeys, read_epoch
from libmatch.manifest import Member, Role, SignedDocument, Status, open_epoch
from services.authority.cards import PartyCard, read_party_card
from services.authority.deliver import deliver
from services.authority.enrol import enrol
from services.authority.epoch_folder import read_epoch_files, save_signatures
from services.authority.errors import CeremonyError
from services.authority.install import install
from services.authority.sign import sign_epoch
from tests.ceremony import (
    PASSPHRASE,
    SECRETS,
    UNIT,
    Ceremony,
    agree,
)

# --- Signatures -----------------------------------------------------------------------------------


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


# --- Cards ----------------------------------------------------------------------------------------


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

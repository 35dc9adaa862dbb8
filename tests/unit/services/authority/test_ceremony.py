"""The ceremony in separate commands: each custodian alone, files carried between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from libmatch.errors import KeyFileError, ManifestError
from libmatch.keys import share_info
from libmatch.kit import PartyKeys, read_holder
from libmatch.manifest import Role, SignedDocument
from services.authority.cards import PartyCard, read_log_card, read_party_card
from services.authority.custodian import init_custodian, new_share, open_custodian
from services.authority.deliver import deliver
from services.authority.epoch_folder import EpochFiles, write_epoch_files
from services.authority.errors import CeremonyError
from services.authority.install import install
from services.authority.propose import Terms, propose_epoch
from services.authority.sign import sign_epoch
from services.authority.summary import summarise
from tests.ceremony import (
    DISTRICT,
    INSPECTOR,
    NOW,
    PASSPHRASE,
    SECRETS,
    YEAR,
    Ceremony,
    agree,
)
from tests.unit.services.authority.ceremony_steps import cards_of, sign


def every_byte(folders: Iterable[Path]) -> bytes:
    """All file contents below ``folders``, one behind the other."""
    paths = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    return b"\0".join(path.read_bytes() for path in paths)


def test_units_with_both_shares_derive_the_same_tokens(held: Ceremony) -> None:
    deliveries = held.deliver()
    holders = []
    for unit in ("caizheng", "minzheng"):
        keys = held.keys(unit)
        install(held.kit(unit), deliveries / unit, unit, keys)
        holders.append(read_holder(held.kit(unit), unit, keys, NOW))

    tokens = {holder.token_of(1, "11010119900307775X") for holder in holders}
    assert len(tokens) == 1


def test_the_inspector_and_the_matcher_get_no_share(held: Ceremony) -> None:
    deliveries = held.deliver()

    for party in (INSPECTOR, "_matcher"):
        names = {path.name for path in (deliveries / party).iterdir()}
        assert names == {"authorities", "manifest", "roster"}


def test_a_custodian_never_sees_the_other_ones_share(held: Ceremony) -> None:
    held.deliver()
    shares = {
        number: held.custodian(number).read_share(1, SECRETS[number]).reveal() for number in (1, 2)
    }

    for number, machine in ((1, held.one), (2, held.two)):
        own, other = shares[number], shares[3 - number]
        seen = every_byte([machine, held.carried])
        for form in (other, other.hex().encode(), other.hex().upper().encode()):
            assert form not in seen
        assert own not in every_byte([held.carried])


def test_a_custodian_cannot_open_the_sealed_share_of_the_other(held: Ceremony) -> None:
    deliveries = held.deliver()
    sealed = (deliveries / "caizheng" / "share-2").read_bytes()
    info = share_info(held.epoch().epoch_id, 2, "caizheng")
    share = held.custodian(2).read_share(1, SECRETS[2]).reveal()

    assert held.keys("caizheng").hpke.open(sealed, info) == share
    assert held.keys("minzheng").hpke.open(sealed, info) is None
    with pytest.raises(KeyFileError):
        held.custodian(2).read_share(1, SECRETS[1])


def test_a_share_is_not_drawn_twice_for_an_epoch(held: Ceremony) -> None:
    before = held.custodian(1).share_path(1).read_bytes()

    with pytest.raises(FileExistsError):
        new_share(held.custodian(1), SECRETS[1], DISTRICT, 1, 1)
    assert held.custodian(1).share_path(1).read_bytes() == before


def test_the_secrets_of_a_custodian_are_his_alone_to_read(held: Ceremony) -> None:
    for path in (held.one / "authority.key", held.custodian(1).share_path(1)):
        assert path.stat().st_mode & 0o077 == 0
    assert held.one.stat().st_mode & 0o077 == 0


def test_a_custodian_who_does_not_agree_signs_nothing(draft: Ceremony) -> None:
    before = every_byte([draft.epoch_folder, draft.one])

    with pytest.raises(CeremonyError):
        sign_epoch(draft.custodian(1), SECRETS[1], draft.epoch_folder, lambda _: False)
    assert every_byte([draft.epoch_folder, draft.one]) == before


def test_the_summary_tells_what_is_signed(draft: Ceremony) -> None:
    shown: list[str] = []

    def read(text: str) -> bool:
        shown.append(text)
        return True

    sign_epoch(draft.custodian(1), SECRETS[1], draft.epoch_folder, read)

    card = read_party_card(draft.kit("caizheng") / "party.json")
    for part in (
        "周期 1",
        "2026-06-01 16:00 至 2027-06-01 17:00",
        "区财政局（申报）",
        "区纪委（纪委）",
    ):
        assert part in shown[0]
    assert "尚未签名" in shown[0]
    assert card.member.unit in shown[0]
    assert "已签清单、名册" in summarise(draft.files())


def test_a_manifest_with_another_commitment_is_not_signed(draft: Ceremony) -> None:
    manifest, roster = draft.files().facts
    stolen = replace(manifest, commitments=(manifest.commitments[0], manifest.commitments[0]))
    bound = replace(roster, epoch_id=stolen.epoch_id)
    files = EpochFiles(
        draft.files().authorities,
        SignedDocument(stolen.encode()),
        SignedDocument(bound.encode()),
    )
    write_epoch_files(draft.carried / "stolen", files)

    sign(draft, 1, draft.carried / "stolen")
    with pytest.raises(CeremonyError, match="does not commit to the share of custodian 2"):
        sign(draft, 2, draft.carried / "stolen")


def test_no_second_manifest_of_an_epoch_is_signed(held: Ceremony) -> None:
    manifest, roster = held.files().facts
    longer = replace(manifest, not_after=manifest.not_after + timedelta(days=1))
    files = EpochFiles(
        held.files().authorities,
        SignedDocument(longer.encode()),
        SignedDocument(replace(roster, epoch_id=longer.epoch_id).encode()),
    )
    write_epoch_files(held.carried / "second", files)

    with pytest.raises(CeremonyError, match="another manifest of epoch 1"):
        sign(held, 1, held.carried / "second")


def test_a_roster_with_an_inspector_of_another_key_is_not_signed(draft: Ceremony) -> None:
    files = draft.files()
    keys = PartyKeys.generate()
    other = PartyCard.make(INSPECTOR, "区纪委", Role.INSPECTOR, keys).member
    roster = files.facts[1]
    members = tuple(other if member.unit == INSPECTOR else member for member in roster.members)
    forged = replace(files, roster=SignedDocument(replace(roster, members=members).encode()))
    write_epoch_files(draft.carried / "forged", forged)

    with pytest.raises(CeremonyError, match="exactly one inspector"):
        sign(draft, 1, draft.carried / "forged")


def test_a_roster_of_another_epoch_is_not_signed(draft: Ceremony) -> None:
    files = draft.files()
    roster = replace(files.facts[1], epoch_id=bytes(32))
    mixed = replace(files, roster=SignedDocument(roster.encode()))
    write_epoch_files(draft.carried / "mixed", mixed)

    with pytest.raises(CeremonyError, match="another epoch"):
        sign(draft, 1, draft.carried / "mixed")


def test_other_authorities_than_confirmed_are_not_signed_with(held: Ceremony) -> None:
    files = held.files()
    three = replace(files, authorities=files.authorities | {bytes(32)})
    write_epoch_files(held.carried / "three", three)

    with pytest.raises(CeremonyError, match="not those confirmed before"):
        sign(held, 1, held.carried / "three")


def test_a_custodian_who_is_no_authority_does_not_sign(draft: Ceremony, tmp_path: Path) -> None:
    stranger = init_custodian(tmp_path / "stranger", 1, "外人", "a stranger's passphrase")

    with pytest.raises(CeremonyError, match="not among the authorities"):
        sign_epoch(stranger, "a stranger's passphrase", draft.epoch_folder, agree)


def test_shares_are_not_sealed_before_both_signed(draft: Ceremony) -> None:
    sign(draft, 1, draft.epoch_folder)

    with pytest.raises(ManifestError, match="1 of at least 2"):
        draft.seal()
    assert not (draft.carried / "shares-1").exists()


def test_nobody_is_unit_and_inspector_in_one(draft: Ceremony) -> None:
    log = read_log_card(draft.kit("matcher") / "log.json")
    inspector = read_party_card(draft.kit(INSPECTOR) / "party.json")
    unit = read_party_card(draft.kit("caizheng") / "party.json")
    second = PartyCard.make("jiwei2", "另一纪委", Role.INSPECTOR, PartyKeys.generate())
    cards = cards_of(draft, 6)
    cards = [replace(card, epoch=1) for card in cards]

    for chief, parties in ((unit, [unit]), (inspector, [second]), (inspector, [unit, unit])):
        with pytest.raises(CeremonyError):
            propose_epoch(YEAR, cards, log, chief, parties)


@pytest.mark.parametrize(
    "change",
    [
        {"not_after": NOW - timedelta(days=1)},
        {"not_after": NOW + timedelta(days=9999)},
        {"not_before": NOW.replace(tzinfo=None)},
        {"kinds": (2, 1)},
        {"kinds": (1, 5)},
        {"bucket": 511},
        {"bucket": 65536},
    ],
)
def test_terms_that_make_no_sense_are_refused(change: dict[str, object]) -> None:
    fields: dict[str, object] = {"not_before": NOW, "not_after": NOW + timedelta(days=365)}

    with pytest.raises(CeremonyError):
        Terms(**(fields | change))  # type: ignore[arg-type]


def test_a_delivery_without_a_share_names_custodian_and_unit(held: Ceremony) -> None:
    one, two = held.seal()
    (two / "minzheng" / "share-2").unlink()

    with pytest.raises(CeremonyError, match="custodian 2 has sealed no share to minzheng"):
        deliver(held.epoch_folder, [one, two], held.carried / "deliveries")
    with pytest.raises(CeremonyError):
        deliver(held.epoch_folder, [one], held.carried / "deliveries-2")


def test_opening_a_folder_that_is_no_custodians_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        open_custodian(tmp_path)


@pytest.mark.parametrize(("number", "name"), [(0, "甲"), (10, "甲"), (1, ""), (1, "甲\n")])
def test_a_custodian_needs_a_number_and_a_name(tmp_path: Path, number: int, name: str) -> None:
    with pytest.raises(CeremonyError):
        init_custodian(tmp_path / "custodian", number, name, PASSPHRASE)
    assert not (tmp_path / "custodian").exists()

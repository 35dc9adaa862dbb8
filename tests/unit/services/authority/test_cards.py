import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from libmatch.errors import EncodingError
from libmatch.keys import SigningKey
from libmatch.kit import PartyKeys
from libmatch.manifest import Role
from services.authority.cards import (
    CommitmentCard,
    LogCard,
    PartyCard,
    parse_roles,
    read_commitment_card,
    read_log_card,
    read_party_card,
)
from services.authority.errors import CeremonyError

ROLES = Role.REGISTRY | Role.BENEFICIARY


@pytest.fixture(scope="module")
def card() -> PartyCard:
    return PartyCard.make("caizheng", "区财政局", ROLES, PartyKeys.generate())


def test_a_party_card_reads_back_as_it_was_made(card: PartyCard, tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_bytes(card.encode())

    assert read_party_card(path) == card
    assert read_party_card(path).encode() == card.encode()


def test_a_log_card_reads_back_as_it_was_made(tmp_path: Path) -> None:
    made = LogCard.make(SigningKey.generate())
    (tmp_path / "card.json").write_bytes(made.encode())

    assert read_log_card(tmp_path / "card.json") == made


def test_a_commitment_card_reads_back_as_it_was_made(tmp_path: Path) -> None:
    key = SigningKey.generate()
    made = CommitmentCard(2, "保管人", "fuling", 7, 1, bytes(32), key.public_key).signed_by(key)
    (tmp_path / "card.json").write_bytes(made.encode())

    assert read_commitment_card(tmp_path / "card.json") == made


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("unit", "minzheng"),
        ("display_name", "区民政局"),
        ("roles", ["inspector"]),
        ("signing_key", SigningKey(bytes(32)).public_key.hex()),
        ("hpke_key", "AAAA"),
        ("signature", ""),
        ("card", "libmatch/party/2"),
        ("unit", 7),
        ("roles", "registry"),
        ("roles", []),
        ("display_name", "区财政局\u202e"),
        ("display_name", "区财政局\n已核对"),
    ],
)
def test_an_altered_party_card_is_refused(
    card: PartyCard, tmp_path: Path, field: str, value: object
) -> None:
    fields = json.loads(card.encode()) | {field: value}
    path = tmp_path / "card.json"
    path.write_text(json.dumps(fields), "utf-8")

    with pytest.raises(CeremonyError) as refused:
        read_party_card(path)
    assert "card.json" in refused.value.message_zh


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_card_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "card.json").write_bytes(data)

    with pytest.raises(CeremonyError):
        read_party_card(tmp_path / "card.json")


def test_a_card_of_another_kind_is_refused(card: PartyCard, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_bytes(card.encode())

    with pytest.raises(CeremonyError):
        read_log_card(tmp_path / "card.json")


def test_the_fingerprint_changes_with_each_fact(card: PartyCard) -> None:
    keys = PartyKeys.generate()
    makers: list[Callable[[], PartyCard]] = [
        lambda: PartyCard.make("caizheng", "区财政局", ROLES, keys),
        lambda: PartyCard.make("caizheng2", "区财政局", ROLES, keys),
        lambda: PartyCard.make("caizheng", "区财政所", ROLES, keys),
        lambda: PartyCard.make("caizheng", "区财政局", Role.REGISTRY, keys),
        lambda: PartyCard.make("caizheng", "区财政局", ROLES, PartyKeys.generate()),
    ]
    fingerprints = {make().fingerprint for make in makers}

    assert len(fingerprints) == len(makers)
    assert all(len(text.replace(" ", "")) == 32 for text in fingerprints)


def test_a_bad_unit_name_is_refused() -> None:
    with pytest.raises(EncodingError):
        PartyCard.make("区财政局", "区财政局", ROLES, PartyKeys.generate())


def test_unknown_roles_are_refused() -> None:
    names: list[Any]
    for names in ([], ["matcher"], ["registry", "x"]):
        with pytest.raises(CeremonyError):
            parse_roles(names)

"""Letters and what they hold: what is signed, who opens what, and what sizes tell."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from libmatch.consistency import (
    Claim,
    ConsistencyKey,
    Details,
    Route,
    derive_consistency_key,
    derive_pair,
    find_claims,
    pack_claims,
)
from libmatch.encoding import enc
from libmatch.errors import BatchError, EncodingError, EpochError, ManifestError
from libmatch.identifiers import Identifier
from libmatch.keys import EpochKey
from libmatch.letters import (
    BUCKET,
    DETAILS_SIZE,
    ENTRY_SIZE,
    MAX_BUCKETS,
    Letter,
    ack_bytes,
    decode_body,
    sealed_size,
    verify_ack,
    verify_letter,
)
from libmatch.suites import Suite, get_suite
from tests.district import District, make_district, person
from tests.letters import make_letter

ROUTE = Route("reg-a", "reg-b", 7)


@pytest.fixture(scope="module", params=[1, 2])
def suite(request: pytest.FixtureRequest) -> Suite:
    return get_suite(request.param)


@pytest.fixture(scope="module")
def key(suite: Suite) -> ConsistencyKey:
    return derive_consistency_key(suite, EpochKey.generate())


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(registry=("reg-a", "reg-b", "reg-c"))


def claim(number: int, name: str = "甲某") -> Claim:
    return Claim(person(number), Details(os.urandom(32), name, "某局", "科长", "配偶"))


def read(
    suite: Suite, key: ConsistencyKey, body: bytes, *own: Identifier, route: Route = ROUTE
) -> list[Claim]:
    return list(find_claims(suite, key, route, body, own))


class TestClaims:
    def test_only_claims_about_own_officials_are_found_and_open(
        self, suite: Suite, key: ConsistencyKey
    ) -> None:
        claims = [claim(1), claim(2), claim(3)]
        body = pack_claims(suite, key, ROUTE, claims)
        found = read(suite, key, body, person(1), person(3), person(4))
        assert {one.official for one in found} == {person(1), person(3)}
        assert all(one in claims for one in found)
        assert read(suite, key, body, person(4)) == []

    def test_another_key_or_letter_finds_nothing(self, suite: Suite, key: ConsistencyKey) -> None:
        body = pack_claims(suite, key, ROUTE, [claim(1)])
        assert read(suite, ConsistencyKey.generate(), body, person(1)) == []
        for route in (
            replace(ROUTE, seq=8),
            Route("reg-b", "reg-a", 7),
            Route("reg-c", "reg-b", 7),
        ):
            assert read(suite, key, body, person(1), route=route) == []

    def test_nothing_of_two_letters_about_one_official_is_equal(
        self, suite: Suite, key: ConsistencyKey
    ) -> None:
        one = claim(1)
        bodies = [pack_claims(suite, key, ROUTE, [one]) for _ in range(2)]
        entries = [set(decode_body(body)[1]) for body in bodies]
        tags = [{entry[:32] for entry in side} for side in entries]
        assert not tags[0] & tags[1]

    def test_a_body_shows_neither_names_nor_identifiers(
        self, suite: Suite, key: ConsistencyKey
    ) -> None:
        body = pack_claims(suite, key, ROUTE, [claim(1, "甲某某")])
        for word in ("甲某某", "某局", "科长", person(1).idn):
            assert word.encode() not in body

    def test_a_letter_is_as_long_for_none_as_for_a_bucket(
        self, suite: Suite, key: ConsistencyKey
    ) -> None:
        sizes = [
            len(pack_claims(suite, key, ROUTE, [claim(i) for i in range(count)]))
            for count in (0, 1, BUCKET, BUCKET + 1)
        ]
        assert sizes[0] == sizes[1] == sizes[2] < sizes[3]
        assert sizes[0] + 1136 == sealed_size(1)

    def test_the_order_of_entries_is_not_that_of_the_declarations(
        self, suite: Suite, key: ConsistencyKey
    ) -> None:
        claims = [claim(i) for i in range(BUCKET)]
        orders = set()
        for _ in range(3):
            body = pack_claims(suite, key, ROUTE, claims)
            found = read(suite, key, body, *(one.official for one in claims))
            orders.add(tuple(claims.index(one) for one in found))
        assert len(orders) > 1

    def test_more_than_the_largest_letter_is_refused(
        self, suite: Suite, key: ConsistencyKey
    ) -> None:
        with pytest.raises(BatchError):
            pack_claims(suite, key, ROUTE, [claim(1)] * (MAX_BUCKETS * BUCKET + 1))

    def test_two_officials_have_one_pair_whoever_declares(
        self, suite: Suite, key: ConsistencyKey
    ) -> None:
        pair = derive_pair(suite, key, person(1), person(2))
        assert pair == derive_pair(suite, key, person(2), person(1))
        assert pair != derive_pair(suite, key, person(1), person(3))

    def test_the_longest_texts_fit_and_longer_ones_are_clipped(self) -> None:
        details = Details(os.urandom(32), "名" * 40, "单" * 40, "职" * 40, "系" * 40)
        data = details.encode()
        assert len(data) == DETAILS_SIZE
        assert Details.decode(data).name == "名" * 29 + "…"

    @pytest.mark.parametrize("name", ["\x1b[31m", "甲\n乙", "\u202e"])
    def test_texts_that_would_play_with_a_screen_are_refused(self, name: str) -> None:
        with pytest.raises(EncodingError):
            Details.decode(Details(bytes(32), name, "", "", "").encode())

    def test_an_altered_entry_about_an_own_official_is_refused(
        self, suite: Suite, key: ConsistencyKey
    ) -> None:
        body = bytearray(pack_claims(suite, key, ROUTE, [claim(i) for i in range(BUCKET)]))
        body[-1] ^= 1
        with pytest.raises(EncodingError):
            read(suite, key, bytes(body), *(person(i) for i in range(BUCKET)))

    def test_half_a_bucket_is_no_body(self) -> None:
        with pytest.raises(EncodingError):
            decode_body(enc("letter-body", bytes(32), bytes(ENTRY_SIZE)))


class TestLetters:
    def test_the_signature_covers_every_field(self, district: District) -> None:
        letter = make_letter(district, "reg-a", "reg-b")
        assert verify_letter(district.epoch, letter).unit == "reg-a"
        for forged in (
            replace(letter, seq=letter.seq + 1),
            replace(letter, recipient="reg-c"),
            replace(letter, sender="reg-c"),
            replace(letter, sealed=os.urandom(len(letter.sealed))),
        ):
            with pytest.raises(ManifestError, match="not signed"):
                verify_letter(district.epoch, forged)
        with pytest.raises(EpochError):
            verify_letter(district.epoch, replace(letter, epoch=bytes(32)))

    def test_who_reports_nobody_writes_no_letter(self, district: District) -> None:
        letter = make_letter(district, "ben-a", "reg-b")
        with pytest.raises(ManifestError):
            verify_letter(district.epoch, letter)

    def test_the_old_letters_of_a_revoked_unit_still_verify(self, district: District) -> None:
        letter = make_letter(district, "reg-a", "reg-b")
        verify_letter(district.revoke("reg-a").epoch, letter)

    def test_a_letter_of_any_other_size_is_none(self, district: District) -> None:
        letter = make_letter(district, "reg-a", "reg-b")
        for sealed in (letter.sealed[:-1], letter.sealed + b"\0", b""):
            with pytest.raises(EncodingError):
                replace(letter, sealed=sealed)

    @pytest.mark.parametrize(
        "change", [{"seq": 0}, {"seq": 1 << 63}, {"recipient": "reg-a"}, {"recipient": "Reg"}]
    )
    def test_impossible_letters_are_refused(
        self, district: District, change: dict[str, object]
    ) -> None:
        with pytest.raises(EncodingError):
            replace(make_letter(district, "reg-a", "reg-b"), **change)  # type: ignore[arg-type]

    def test_what_is_stored_is_read_back(self, district: District) -> None:
        letter = make_letter(district, "reg-a", "reg-b", buckets=2)
        assert Letter.decode(letter.encode()) == letter
        with pytest.raises(EncodingError):
            Letter.decode(letter.encode()[:-1])

    def test_an_acknowledgement_is_the_recipients_alone(self, district: District) -> None:
        message = ack_bytes(district.epoch.epoch_id, "reg-b", 3)
        signature = district.keys("reg-b").signing.sign(message)
        verify_ack(district.epoch, "reg-b", 3, signature)
        for recipient, number in (("reg-b", 4), ("reg-c", 3)):
            with pytest.raises(BatchError):
                verify_ack(district.epoch, recipient, number, signature)

"""Letters that the matcher must not take, hand out or keep."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from libmatch.auditlog import encode_letter_leaf, hash_entry
from libmatch.errors import BatchError, ConflictError, EpochError
from libmatch.letters import MAX_BUCKETS, Letter, ack_bytes
from libmatch.manifest import Role
from services.chassis.db import to_micros
from services.chassis.refusals import Overloaded, Refused
from services.matcher.letters import PER_DAY
from tests.district import District, make_district
from tests.letters import make_letter, sign_letter
from tests.matcher_bench import Bench

UNITS = ("reg-a", "reg-b", "reg-c")


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(registry=UNITS, both=("dual",))


@pytest.fixture
def bench(tmp_path: Path, district: District) -> Iterator[Bench]:
    with Bench(tmp_path, district) as bench:
        yield bench


def fetched(bench: Bench, unit: str, after: int = 0) -> list[Letter]:
    return [one.letter for one in bench.use.letters.fetch(unit, after, 16)]


def acknowledge(bench: Bench, unit: str, number: int, signer: str = "") -> None:
    key = bench.district.keys(signer or unit).signing
    message = ack_bytes(bench.district.epoch.epoch_id, unit, number)
    bench.use.letters.acknowledge(unit, number, key.sign(message))


def reason(bench: Bench, letter: Letter, peer: str = "") -> str:
    size = bench.use.log.get_checkpoint()
    with pytest.raises(Refused) as refused:
        bench.use.letters.accept(peer or letter.sender, letter)
    assert bench.use.log.get_checkpoint() == size
    assert fetched(bench, "reg-b") == []
    return refused.value.reason


def test_a_letter_reaches_its_recipient_alone_and_is_logged(bench: Bench) -> None:
    letter = make_letter(bench.district, "reg-a", "reg-b", buckets=MAX_BUCKETS)
    leaf = bench.use.letters.accept("reg-a", letter)
    assert fetched(bench, "reg-b") == [letter]
    assert fetched(bench, "reg-a") == fetched(bench, "reg-c") == []
    at, digest = to_micros(bench.clock()), letter.digest(bench.district.suite)
    entry = encode_letter_leaf("reg-a", "reg-b", letter.seq, at, digest)
    assert bench.use.log.prove_inclusion(leaf, leaf + 1)[0] == hash_entry(entry)


def test_a_forged_sender_is_refused(bench: Bench) -> None:
    forged = make_letter(bench.district, "reg-a", "reg-b", signer="reg-c")
    assert reason(bench, forged) == "LETTER_SIGNATURE"
    honest = make_letter(bench.district, "reg-a", "reg-b")
    assert reason(bench, honest, peer="reg-c") == "OTHER_UNIT"
    for other in (replace(honest, seq=2), replace(honest, sealed=os.urandom(len(honest.sealed)))):
        assert reason(bench, other) == "LETTER_SIGNATURE"


@pytest.mark.parametrize("recipient", ["ben-a", "nobody", "jiwei", "matcher"])
def test_a_recipient_that_reports_nobody_is_refused(bench: Bench, recipient: str) -> None:
    letter = make_letter(bench.district, "reg-a", recipient)
    assert reason(bench, letter) == "RECIPIENT"


def test_who_reports_nobody_neither_sends_nor_fetches(bench: Bench) -> None:
    assert reason(bench, make_letter(bench.district, "ben-a", "reg-b")) == "SIDE"
    for call in (lambda: fetched(bench, "ben-a"), lambda: acknowledge(bench, "ben-a", 1)):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.reason == "SIDE"


def test_a_revoked_unit_neither_sends_nor_gets_letters(bench: Bench) -> None:
    letter = make_letter(bench.district, "reg-a", "reg-c")
    bench.follow(bench.district.revoke("reg-c"))
    assert reason(bench, letter) == "RECIPIENT"
    assert reason(bench, make_letter(bench.district, "reg-c", "reg-b")) == "SIDE"


def test_the_same_letter_again_gets_the_same_answer(bench: Bench) -> None:
    letter = make_letter(bench.district, "reg-a", "reg-b")
    first = bench.use.letters.accept("reg-a", letter)
    bench.clock.moment += timedelta(days=2)
    bench.reopen()
    assert bench.use.letters.accept("reg-a", letter) == first
    acknowledge(bench, "reg-b", 1)
    assert bench.use.letters.accept("reg-a", letter) == first
    assert fetched(bench, "reg-b") == []


def test_other_bytes_under_the_same_number_are_a_conflict(bench: Bench) -> None:
    bench.use.letters.accept("reg-a", make_letter(bench.district, "reg-a", "reg-b"))
    with pytest.raises(ConflictError):
        bench.use.letters.accept("reg-a", make_letter(bench.district, "reg-a", "reg-b"))


def test_an_old_number_is_refused_and_a_new_letter_replaces_the_old_one(bench: Bench) -> None:
    old, new = (make_letter(bench.district, "reg-a", "reg-b", seq=seq) for seq in (5, 9))
    other = make_letter(bench.district, "reg-c", "reg-b", seq=3)
    first = bench.use.letters.accept("reg-a", old)
    bench.use.letters.accept("reg-c", other)
    bench.use.letters.accept("reg-a", new)
    assert fetched(bench, "reg-b") == [other, new]
    assert bench.use.letters.accept("reg-a", old) == first  # a repetition, not a return of the old
    assert fetched(bench, "reg-b") == [other, new]
    with pytest.raises(ConflictError):
        bench.use.letters.accept("reg-a", make_letter(bench.district, "reg-a", "reg-b", seq=7))


def test_what_was_taken_in_is_erased_and_only_its_recipient_says_so(bench: Bench) -> None:
    letters = [make_letter(bench.district, sender, "reg-b") for sender in ("reg-a", "reg-c")]
    for letter in letters:
        bench.use.letters.accept(letter.sender, letter)
    with pytest.raises(BatchError):
        acknowledge(bench, "reg-b", 2, signer="reg-c")
    acknowledge(bench, "reg-c", 2)
    assert fetched(bench, "reg-b") == letters
    acknowledge(bench, "reg-b", 1)
    assert fetched(bench, "reg-b") == letters[1:]
    bench.database.close()
    data = bench.path.read_bytes()
    assert letters[0].sealed[100:164] not in data
    assert letters[1].sealed[100:164] in data
    bench.open()


def test_letters_of_an_ended_epoch_are_erased_with_the_first_of_the_next(
    tmp_path: Path, district: District
) -> None:
    with Bench(tmp_path, district) as bench:
        bench.use.letters.accept("reg-a", make_letter(district, "reg-a", "reg-b"))
    next_district = make_district(registry=UNITS)
    with Bench(tmp_path, next_district) as bench:
        assert fetched(bench, "reg-b") == []
        letter = make_letter(next_district, "reg-a", "reg-c")
        bench.use.letters.accept("reg-a", letter)
        count = "SELECT count(*) FROM letter"
        assert bench.database.read(lambda s: s.connection().exec_driver_sql(count).scalar()) == 1


def test_letters_of_another_epoch_or_after_its_end_are_refused(bench: Bench) -> None:
    letter = make_letter(bench.district, "reg-a", "reg-b")
    strange = sign_letter(bench.district, replace(letter, epoch=bytes(32)), "reg-a")
    with pytest.raises(EpochError):
        bench.use.letters.accept("reg-a", strange)
    bench.clock.moment += timedelta(days=400)
    with pytest.raises(EpochError):
        bench.use.letters.accept("reg-a", letter)


def test_one_unit_cannot_flood_another(bench: Bench) -> None:
    for seq in range(1, PER_DAY + 1):
        bench.use.letters.accept("reg-a", make_letter(bench.district, "reg-a", "reg-b", seq))
    more = make_letter(bench.district, "reg-a", "reg-b", PER_DAY + 1)
    with pytest.raises(Overloaded):
        bench.use.letters.accept("reg-a", more)
    bench.use.letters.accept("reg-a", make_letter(bench.district, "reg-a", "reg-c"))
    bench.clock.moment += timedelta(days=1, seconds=1)
    bench.use.letters.accept("reg-a", more)
    assert fetched(bench, "reg-b") == [more]


def test_every_active_reporting_unit_may_get_a_letter(bench: Bench) -> None:
    bench.follow(bench.district.enrol("new", Role.REGISTRY))
    for recipient in ("new", "dual"):
        bench.use.letters.accept("reg-a", make_letter(bench.district, "reg-a", recipient))
        assert len(fetched(bench, recipient)) == 1

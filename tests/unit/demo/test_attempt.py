"""What 纪委 opens with its key and the whole database: the measurement behind ``unflagged_opened``."""

from __future__ import annotations

from dataclasses import replace

from demo.attempt import Attempt, attempt, guess_halves, public_keys
from demo.stolen import StolenBatch, StolenDatabase, StolenRecord
from libmatch.batch import compute_token
from libmatch.keys import combine_shares
from libmatch.records import Side
from libmatch.seal import SealedBatch
from libmatch.tokens import derive_halves
from tests.district import District, make_district, person

DECLARED = [person(n) for n in range(1, 13)]
LISTED = [person(n) for n in range(10, 20)]  # 10, 11 and 12 are on both sides
NUMBERS = [*DECLARED, *LISTED]


def _stolen(district: District, first: int, sealed: SealedBatch) -> StolenBatch:
    batch = sealed.batch
    rows = [batch.columns.row(i) for i in range(batch.header.count)]
    records = tuple(
        StolenRecord(first + i, i, compute_token(district.suite, row.c_reg, row.c_ben), row)
        for i, row in enumerate(rows)
    )
    return StolenBatch(batch.header, district.manifest.suite, batch.capsule, records)


def _database(district: District) -> StolenDatabase:
    registry = _stolen(district, 0, district.seal("reg-a", Side.REGISTRY, DECLARED))
    beneficiary = _stolen(district, 100, district.seal("ben-a", Side.BENEFICIARY, LISTED))
    of_token = {record.token: record.number for record in registry.records}
    pairs = {
        (of_token[record.token], record.number)
        for record in beneficiary.records
        if record.token in of_token
    }
    return StolenDatabase((registry, beneficiary), frozenset(pairs))


def _run(district: District, database: StolenDatabase) -> Attempt:
    return attempt(database, district.inspector.hpke, district.manifest, NUMBERS)


def test_flagged_records_open_and_unflagged_ones_do_not() -> None:
    district = make_district()
    done = _run(district, _database(district))
    assert (done.records, done.flagged, done.marked) == (22, 6, 6)
    assert (done.flagged_opened, done.unflagged_opened) == (6, 0)
    assert (done.capsules_opened, done.capsules) == (2, 2)
    assert done.trials > 16 * 10


def test_a_record_whose_token_met_counts_as_flagged_even_if_the_matcher_hid_it() -> None:
    district = make_district()
    database = replace(_database(district), pairs=frozenset())
    done = _run(district, database)
    assert (done.flagged, done.marked) == (6, 0)


def test_a_leaked_half_is_noticed() -> None:
    """An unflagged record whose opposite half lies in some row, here as its masked half."""
    district = make_district()
    database = _database(district)
    registry, beneficiary = database.batches
    who, key = DECLARED[0], district.holder("reg-a").key
    known = derive_halves(district.suite, key, int(who.kind), who.idn)
    rows = [
        replace(r, row=replace(r.row, half=known.g_ben)) if r.token == known.token else r
        for r in registry.records
    ]
    leaky = replace(database, batches=(replace(registry, records=tuple(rows)), beneficiary))
    assert _run(district, leaky).unflagged_opened == 1


def test_guessed_numbers_would_open_records_if_the_key_were_public() -> None:
    """The control of the guesses: with the custodians' key the same numbers give every half."""
    district = make_district()
    manifest, suite = district.manifest, district.suite
    key = combine_shares(suite, manifest.epoch_id, manifest.commitments, district.shares)
    wanted = {
        record.row.c_ben
        for batch in _database(district).batches
        for record in batch.records
        if batch.header.side is Side.REGISTRY
    }
    assert wanted <= guess_halves(suite, [key], NUMBERS).keys()
    assert not wanted & guess_halves(suite, public_keys(suite, manifest), NUMBERS).keys()


def test_another_key_opens_no_capsule() -> None:
    district = make_district()
    done = attempt(_database(district), district.keys("reg-a").hpke, district.manifest, NUMBERS)
    assert (done.capsules_opened, done.capsules, done.flagged_opened) == (0, 2, 0)

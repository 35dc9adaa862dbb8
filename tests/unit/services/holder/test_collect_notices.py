"""Notices: opened, checked against the own record, kept, acknowledged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from libmatch.keys import SigningKey
from libmatch.records import Side
from libmatch.release import SealedNotice, verify_acknowledgement
from services.holder.collect_notices import CollectNotices
from services.holder.matcher import Matcher
from services.holder.store.mailbox import Mailbox
from services.registry.store import Store
from tests.district import District, make_district
from tests.matcher_in_memory import MemoryMatcher
from tests.unit.services.holder.bench import UNIT, Bench, Half, Killed, make_material

HIT = bytes(range(32))


def started(bench: Bench, *numbers: int) -> Half:
    half = bench.start()
    half.enter(*numbers)
    half.sync.run()
    return half


def about(district: District, half: Half, number: int, **changed: bytes) -> SealedNotice:
    token = half.rows("SELECT rid, token FROM record")
    found = {row.rid: row.token for row in token}
    rid = half.rid_of(number)
    facts = {"rid": rid, "token": found[rid], **changed}
    return district.notify(UNIT, Side.REGISTRY, HIT, **facts)


def kept(half: Half) -> dict[bytes, tuple[bool, bool, bool]]:
    """(opened, disputed, acknowledged) of each notice."""
    sql = "SELECT notice_id, opened, disputed, acknowledged_at FROM notice"
    return {
        row.notice_id: (bool(row.opened), bool(row.disputed), row.acknowledged_at is not None)
        for row in half.rows(sql)
    }


def test_notice_is_opened_kept_and_acknowledged(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = started(bench, 1)
    notice = about(district, half, 1)
    matcher.notices.append(notice)
    assert half.sync.run().notices == 1
    assert kept(half) == {notice.notice_id: (True, False, True)}
    signature = matcher.acknowledged[notice.notice_id]
    verify_acknowledgement(district.epoch, district.roster.find(UNIT), notice, signature)
    (row,) = half.rows(
        "SELECT subject, item_name FROM notice JOIN official_notice USING (notice_id)"
    )
    assert (int.from_bytes(row.subject, "big"), row.item_name) == (1, "改厕补助")


def test_notice_is_counted_once_also_after_a_restart(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = started(bench, 1)
    matcher.notices.append(about(district, half, 1))
    assert half.sync.run().notices == 1
    assert half.sync.run().notices == 0
    assert bench.start().sync.run().notices == 0


def test_token_of_somebody_else_is_disputed(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = started(bench, 1, 2)
    other = next(
        row.token for row in half.rows("SELECT rid, token FROM record") if row.rid != half.rid_of(1)
    )
    notice = about(district, half, 1, token=other)
    matcher.notices.append(notice)
    half.sync.run()
    assert kept(half)[notice.notice_id] == (True, True, True)


def test_unknown_record_is_disputed(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = started(bench, 1)
    notice = about(district, half, 1, rid=bytes(16))
    matcher.notices.append(notice)
    half.sync.run()
    assert kept(half)[notice.notice_id] == (True, True, True)


def test_bad_notices_are_kept_unacknowledged_and_hold_nobody_up(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = started(bench, 1)
    good = about(district, half, 1)
    unsigned = replace(about(district, half, 1), signature=bytes(64))
    altered = about(district, half, 1)
    altered = replace(altered, sealed=altered.sealed[:-1] + bytes([altered.sealed[-1] ^ 1]))
    elsewhere = about(make_district(), half, 1)  # another district's 纪委
    matcher.notices += [unsigned, altered, elsewhere, good]
    assert half.sync.run().notices == 4
    bad = (False, True, False)
    assert kept(half) == {
        unsigned.notice_id: bad,
        altered.notice_id: bad,
        elsewhere.notice_id: bad,
        good.notice_id: (True, False, True),
    }
    assert set(matcher.acknowledged) == {good.notice_id}


def test_notice_that_was_sealed_to_another_unit_does_not_open(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = started(bench, 1)
    foreign = district.notify("ben-a", Side.BENEFICIARY, HIT)
    relabelled = replace(foreign, unit=UNIT, side=Side.REGISTRY)
    matcher.notices.append(relabelled)
    half.sync.run()
    assert kept(half) == {relabelled.notice_id: (False, True, False)}


def test_notice_signed_by_a_unit_is_not_believed(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = started(bench, 1)
    signer: SigningKey = district.keys("ben-a").signing
    forged = district.notify(UNIT, Side.REGISTRY, HIT, rid=half.rid_of(1), signer=signer)
    matcher.notices.append(forged)
    half.sync.run()
    assert kept(half) == {forged.notice_id: (False, True, False)}


def test_unopened_notice_is_tried_again_with_a_newer_roster(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = started(bench, 1)
    signer = SigningKey.generate()
    notice = about(district, half, 1)
    resigned = replace(notice, signature=signer.sign(notice.signed_bytes(district.suite)))
    matcher.notices.append(resigned)
    half.sync.run()
    assert kept(half)[notice.notice_id] == (False, True, False)
    first_seen = half.rows("SELECT received_at FROM notice")
    members = tuple(
        replace(member, signing_key=signer.public_key) if member.unit == "jiwei" else member
        for member in district.roster.members
    )
    bench.district = replace(district, roster=replace(district.roster, version=2, members=members))
    bench.now = lambda: district.now + timedelta(days=1)
    half = bench.start()
    assert half.sync.run().notices == 0
    assert kept(half)[notice.notice_id] == (True, False, True)
    assert half.rows("SELECT received_at FROM notice") == first_seen


def test_reused_notice_id_does_not_replace_what_is_kept(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = started(bench, 1, 2)
    first = about(district, half, 1)
    matcher.notices.append(first)
    half.sync.run()
    second = replace(about(district, half, 2), notice_id=first.notice_id)
    matcher.notices.append(second)
    assert half.sync.run().notices == 0
    (row,) = half.rows("SELECT sealed FROM notice")
    assert row.sealed == first.sealed


def test_lost_acknowledgement_is_sent_again(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = started(bench, 1)
    notice = about(district, half, 1)
    matcher.notices.append(notice)
    half.database.kill_at = ("mailbox.acknowledge", "before")
    with pytest.raises(Killed):
        half.sync.run()
    first = matcher.acknowledged.pop(notice.notice_id)
    half = bench.start()
    half.sync.run()
    assert matcher.acknowledged == {notice.notice_id: first}  # Ed25519: the identical signature
    assert kept(half)[notice.notice_id] == (True, False, True)


def test_notice_about_a_withdrawn_record_is_still_checked(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = started(bench, 1)
    notice = about(district, half, 1)
    half.retire(1)
    matcher.notices.append(notice)
    half.sync.run()
    assert kept(half)[notice.notice_id] == (True, False, True)


def open_no_case(*_: object) -> None:
    """What is kept of a notice here has nothing to do with its case."""


class Misdelivering:
    """A mailbox that hands out whatever it was given; the other calls are not reached."""

    def __init__(self, *notices: SealedNotice) -> None:
        self.notices = notices

    def fetch_notices(self, side: Side, after: int = 0) -> list[tuple[int, SealedNotice, bool]]:
        return [(number, notice, False) for number, notice in enumerate(self.notices, 1)]

    def acknowledge(self, notice_id: bytes, signature: bytes) -> None:
        raise AssertionError("nothing here is to be acknowledged")


def test_notice_for_the_units_other_side_is_not_taken(bench: Bench) -> None:
    district = make_district(registry=(), both=(UNIT,))
    half = bench.start()
    mailbox = Mailbox(half.database, Store.save_notice, open_no_case)
    matcher = cast(Matcher, Misdelivering(district.notify(UNIT, Side.BENEFICIARY, HIT)))
    CollectNotices(mailbox, matcher, make_material(district), lambda: district.now).run()
    assert list(kept(half).values()) == [(False, True, False)]

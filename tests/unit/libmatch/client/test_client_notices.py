"""libmatch.client.Client opens, disputes and acknowledges the notices of its mailbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from libmatch.client import Client
from libmatch.keys import SigningKey
from libmatch.notices import ItemNotice, OfficialNotice
from libmatch.records import Side
from libmatch.release import verify_acknowledgement
from tests.district import District
from tests.matcher_in_memory import MemoryMatcher
from tests.unit.libmatch.client.client_rows import HIT, UNIT, item, relative, rid_of, token_of


def test_notice_is_opened_named_by_reference_and_acknowledged(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    client.prepare([item(), relative()])
    client.submit()
    for side in Side:
        rid, token = rid_of(matcher, side), token_of(district, 1)
        matcher.notices.append(district.notify(UNIT, side, HIT, rid=rid, token=token))
    to_registry, to_approver = client.notices()
    assert (to_approver.ref, to_approver.disputed) == ("X-1", False)
    assert isinstance(to_approver.content, ItemNotice)
    assert (to_registry.ref, to_registry.disputed) == ("D-1", False)
    assert isinstance(to_registry.content, OfficialNotice)
    member = district.roster.find(UNIT)
    for notice in matcher.notices:
        signature = matcher.acknowledged[notice.notice_id]
        verify_acknowledgement(district.epoch, member, notice, signature)


def test_notices_stay_and_are_acknowledged_once(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    client.prepare([item()])
    client.submit()
    rid, token = rid_of(matcher, Side.BENEFICIARY), token_of(district, 1)
    matcher.notices.append(district.notify(UNIT, Side.BENEFICIARY, HIT, rid=rid, token=token))
    first = client.notices()
    leaves = len(matcher.leaves)
    assert client.notices() == first
    assert len(matcher.leaves) == leaves


def test_notice_about_another_person_is_disputed(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    client.prepare([item()])
    client.submit()
    rid, token = rid_of(matcher, Side.BENEFICIARY), token_of(district, 2)
    matcher.notices.append(district.notify(UNIT, Side.BENEFICIARY, HIT, rid=rid, token=token))
    (notice,) = client.notices()
    assert notice.disputed
    assert (notice.ref, notice.problem_zh[-5:]) == ("X-1", "并报告纪委")


def test_notice_about_an_unknown_record_is_disputed(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    matcher.notices.append(district.notify(UNIT, Side.BENEFICIARY, HIT))
    (notice,) = client.notices()
    assert (notice.disputed, notice.ref) == (True, None)


def test_forged_notice_is_disputed_unread_and_not_acknowledged(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    forged = district.notify(UNIT, Side.BENEFICIARY, HIT, signer=SigningKey.generate())
    matcher.notices.append(forged)
    (notice,) = client.notices()
    assert notice.disputed
    assert notice.content is None
    assert matcher.acknowledged == {}


def test_notice_about_a_withdrawn_record_still_names_it(
    client: Client, matcher: MemoryMatcher, district: District
) -> None:
    client.prepare([item()])
    client.submit()
    rid, token = rid_of(matcher, Side.BENEFICIARY), token_of(district, 1)
    client.withdraw(["X-1"])
    client.submit()
    matcher.notices.append(district.notify(UNIT, Side.BENEFICIARY, HIT, rid=rid, token=token))
    (notice,) = client.notices()
    assert (notice.ref, notice.disputed) == ("X-1", False)


def test_mailbox_that_numbers_anew_loses_no_notice(
    client: Client, reopen: Callable[..., Client], matcher: MemoryMatcher, district: District
) -> None:
    old = [district.notify(UNIT, Side.BENEFICIARY, HIT) for _ in range(3)]
    matcher.notices += old
    assert len(client.notices()) == 3
    following = replace(district.manifest, epoch=2, previous=district.manifest.epoch_id)
    later = replace(
        district,
        manifest=following,
        roster=replace(district.roster, epoch_id=following.epoch_id),
        shares=district.shares,
    )
    new = later.notify(UNIT, Side.BENEFICIARY, HIT)
    matcher.notices = [new, old[2]]
    reopened = reopen(of=later)
    assert [n.notice_id for n in reopened.notices()] == [n.notice_id for n in [*old, new]]
    assert [n.number for n in reopened.notices()] == [1, 2, 3, 4]

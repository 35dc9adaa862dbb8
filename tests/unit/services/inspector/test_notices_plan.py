"""Which notices a case lacks: each unit once, and again only where what it was told is not true now."""

from __future__ import annotations

from dataclasses import replace

from libmatch.notices import ItemNotice, OfficialNotice
from libmatch.payloads import ItemPayload, RelativePayload
from libmatch.records import Side
from services.inspector.cases import Case, CasePair
from services.inspector.notices import Draft, plan_notices
from tests.district import NOW, person
from tests.inspector_bench import item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
WHO = person(1)


def pair(
    number: int,
    unit: str = "reg-a",
    said: RelativePayload | None = None,
    of: ItemPayload | None = None,
    *,
    live: bool = True,
) -> CasePair:
    return CasePair(
        number=number,
        hit_id=bytes([number]) * 32,
        epoch=bytes(32),
        declaring_unit=unit,
        declaring_rid=bytes([number]) * 16,
        approving_unit="ben-a",
        approving_rid=bytes([number + 100]) * 16,
        token=b"t" * 32,
        relative=said or relative(WHO),
        item=of or item(WHO),
        live=live,
    )


def case(*pairs: CasePair) -> Case:
    return Case(1, bytes(16), pairs[0].key, NOW, NOW, pairs)


def plan(it: Case, told: dict[tuple[str, Side], bytes] | None = None) -> list[Draft]:
    return plan_notices(it, told or {})


def told_by(drafts: list[Draft]) -> dict[tuple[str, Side], bytes]:
    return {(draft.unit, draft.side): draft.facts for draft in drafts}


def addressees(drafts: list[Draft]) -> list[tuple[str, Side]]:
    return [(draft.unit, draft.side) for draft in drafts]


def test_both_units_of_a_pair_are_told_what_the_other_holds() -> None:
    to_approver, to_declarer = plan(case(pair(1)))
    assert addressees([to_approver, to_declarer]) == [("ben-a", BEN), ("reg-a", REG)]
    assert to_approver.notice == ItemNotice(
        bytes([101]) * 16, b"t" * 32, bytes(16), "reg-a", "乙某", "某局", "科长", "配偶"
    )
    assert to_declarer.notice == OfficialNotice(
        *(bytes([1]) * 16, b"t" * 32, bytes(16), "ben-a", "受益人", "X-1", "改厕", "项目补助"),
        *(120_000, "某村", None),
    )


def test_no_notice_holds_an_identifier() -> None:
    for draft in plan(case(pair(1))):
        for who in (WHO, person(900_000)):
            assert who.idn.encode() not in draft.notice.encode()


def test_what_was_told_is_not_told_again() -> None:
    it = case(pair(1))
    assert plan(it, told_by(plan(it))) == []


def test_a_unit_that_declares_the_same_later_is_told_alone() -> None:
    told = told_by(plan(case(pair(1))))
    later = case(pair(1), pair(2, "reg-b"))
    assert addressees(plan(later, told)) == [("reg-b", REG)]


def test_a_unit_that_declares_with_other_words_does_not_make_the_approver_told_again() -> None:
    told = told_by(plan(case(pair(1))))
    later = case(pair(1), pair(2, "reg-b", relative(WHO, post="副科长")))
    assert addressees(plan(later, told)) == [("reg-b", REG)]


def test_a_corrected_relation_is_told_to_the_approver_alone() -> None:
    told = told_by(plan(case(pair(1))))
    corrected = pair(2, "reg-a", relative(WHO, "子女"))
    (draft,) = plan(case(replace(pair(1), live=False), corrected), told)
    assert addressees([draft]) == [("ben-a", BEN)]
    assert isinstance(draft.notice, ItemNotice)
    assert draft.notice.relation == "子女"
    assert draft.notice.rid == corrected.approving_rid


def test_a_correction_counts_before_the_old_record_is_withdrawn() -> None:
    told = told_by(plan(case(pair(1))))
    corrected = pair(2, "reg-a", relative(WHO, "子女"))
    assert addressees(plan(case(pair(1), corrected), told)) == [("ben-a", BEN)]


def test_corrected_facts_of_the_item_are_told_to_every_declaring_unit() -> None:
    told = told_by(plan(case(pair(1), pair(2, "reg-b"))))
    more = item(WHO, amount_fen=999)
    later = case(pair(1), pair(2, "reg-b"), pair(3, of=more), pair(4, "reg-b", of=more))
    assert addressees(plan(later, told)) == [("reg-a", REG), ("reg-b", REG)]


def test_a_resubmission_that_says_the_same_is_not_told_again() -> None:
    told = told_by(plan(case(pair(1))))
    assert plan(case(replace(pair(1), live=False), pair(2)), told) == []


def test_the_approver_is_told_again_when_nobody_says_any_more_what_it_was_told() -> None:
    told = told_by(plan(case(pair(1))))
    left = case(replace(pair(1), live=False), pair(2, "reg-b", relative(WHO, "兄弟姐妹")))
    assert ("ben-a", BEN) in addressees(plan(left, told))


def test_the_approver_is_told_the_latest_words_where_it_was_told_nothing() -> None:
    it = case(pair(1), pair(2, "reg-b", relative(WHO, post="副科长")), pair(3, "reg-a"))
    to_approver = plan(it)[0]
    assert to_approver.pair.number == 3


def test_a_withdrawn_case_is_told_to_nobody() -> None:
    assert plan(case(pair(1, live=False))) == []


def test_a_unit_of_both_roles_is_told_as_both() -> None:
    own = replace(pair(1, "dual"), approving_unit="dual")
    drafts = plan(case(own))
    assert addressees(drafts) == [("dual", BEN), ("dual", REG)]
    assert plan(case(own), told_by(drafts)) == []

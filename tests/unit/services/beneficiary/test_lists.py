"""Lists where the unit has administrators: who signs which content, and what of it is matched (R25, R31)."""

from __future__ import annotations

from hashlib import sha256

import pytest

from services.beneficiary.entries import PersonStatus
from services.beneficiary.list_steps import ListSteps
from services.beneficiary.lists import ListState, digest_of, json_to_item, make_entry
from services.chassis.refusals import Conflict, InvalidRequest, NotFound, Refused
from services.holder.accounts import Accounts
from services.holder.store.accounts import AccountStore
from tests.district import NOW, person
from tests.rules_samples import refusal
from tests.unit.services.beneficiary.conftest import Unit, row, sheet
from tests.unit.services.beneficiary.signing_unit import LI, LIU, SHEN, Office

REF = "MZ-2026-001"
ONE, TWO = row(), row(person(2), "MZ-2026-002", "赵某")
DEARER = row() | {"金额（元）": "9999"}


@pytest.fixture
def office(unit: Unit) -> Office:
    return Office(unit)


def test_R25_unsigned_list_is_not_matched(office: Office) -> None:
    list_id = office.imported(ONE, TWO)
    office.review(list_id)
    assert office.unit.pending() == 0
    assert office.unit.listed() == []
    assert [one.state for one in office.waiting()] == [ListState.WAITING]


def test_R25_signed_and_reviewed_list_is_matched(office: Office) -> None:
    list_id = office.imported(ONE, TWO)
    office.sign(list_id)
    assert office.unit.pending() == 0  # R31: the leader has not reviewed it
    office.unit.woken.clear()
    done = office.review(list_id)
    assert (done.state, done.signed_by, done.reviewed_by) == (ListState.IN_FORCE, "shen", "liu")
    assert office.unit.pending() == 2
    assert office.unit.woken == [None]


def test_R25_signature_is_bound_to_the_content_that_was_seen(office: Office) -> None:
    list_id = office.imported(ONE, TWO)
    seen = office.of(list_id).digest
    office.review(list_id)
    office.imported(DEARER)  # alters what waits: the item leaves the first list
    assert office.of(list_id).digest != seen
    assert office.of(list_id).items == 1
    said = refusal("R25", office.steps.sign, SHEN, list_id, seen).message_zh
    assert "改动" in said
    assert office.unit.pending() == 0
    assert office.of(list_id).reviewed_by == ""  # the review was of other content, too


def test_R25_list_that_was_taken_over_wholly_is_replaced(office: Office) -> None:
    first = office.imported(ONE)
    second = office.imported(DEARER)
    assert office.of(first).state is ListState.REPLACED
    with pytest.raises(Conflict) as caught:
        office.sign(first)
    assert "R25" in caught.value.message_zh
    office.review(second)
    office.sign(second)
    assert office.unit.listed()[0].item.amount_fen == 999900


def test_R25_altered_content_is_matched_as_signed_until_it_is_signed_again(office: Office) -> None:
    office.in_force(ONE)
    rid = office.unit.rid_of("李某")
    correction = office.imported(DEARER)
    assert office.unit.rid_of("李某") == rid
    assert office.unit.statuses() == {(REF, "李某"): PersonStatus.ACCEPTED}
    assert office.unit.listed()[0].item.amount_fen == 120050  # what an epoch's turn would seal anew
    office.review(correction)
    office.sign(correction)
    assert office.unit.statuses() == {(REF, "李某"): PersonStatus.ENTERED}
    assert office.unit.listed()[0].item.amount_fen == 999900


def test_R25_withdrawal_waits_for_its_signature(office: Office) -> None:
    office.in_force(ONE, TWO)
    assert office.unit.withdraw(REF, "项目取消") == 0
    assert office.unit.pending() == 2
    (waiting,) = office.waiting()
    assert (waiting.reason, waiting.items) == ("项目取消", 1)
    office.review(waiting.list_id)
    office.sign(waiting.list_id)
    assert office.unit.statuses()[REF, "李某"] is PersonStatus.WITHDRAWN
    assert office.unit.pending() == 1


def test_R25_only_the_party_head_of_the_unit_signs(office: Office) -> None:
    list_id = office.imported(ONE)
    digest = office.of(list_id).digest
    refusal("R25", office.steps.sign, LIU, list_id, digest)
    assert office.unit.trail()[-1].outcome == "refused R25"
    assert office.of(list_id).signed_by == ""


def test_R25_refused_signature_leaves_a_line_in_the_trail_alone(office: Office) -> None:
    list_id = office.imported(ONE)
    before = office.of(list_id)
    refusal("R25", office.steps.sign, SHEN, list_id, bytes(32))
    entry = office.unit.trail()[-1]
    assert (entry.action, entry.outcome) == ("sign-list", "refused R25")
    assert entry.subject == f"list:{list_id.hex()}"
    assert office.of(list_id) == before


def test_R25_signature_is_in_the_trail_with_the_digest(office: Office) -> None:
    list_id = office.imported(ONE)
    signed = office.sign(list_id)
    assert office.unit.trail()[-1].outcome == f"waiting {signed.digest.hex()}"


def test_R25_of_two_signatures_at_once_one_wins_and_the_other_is_told(office: Office) -> None:
    list_id = office.imported(ONE)
    digest = office.of(list_id).digest
    office.steps.sign(SHEN, list_id, digest)
    with pytest.raises(Conflict, match="a moment ago") as told:
        office.steps.sign(SHEN, list_id, digest)
    assert told.value.reason == "LIST_CHANGED"
    assert office.unit.trail()[-1].outcome == "refused LIST_CHANGED"


def test_R31_who_entered_does_not_review(office: Office) -> None:
    list_id = office.imported(ONE)
    digest = office.of(list_id).digest
    refusal("R31", office.steps.review, LI, list_id, digest)
    refusal("R31", office.steps.review, LIU, list_id, bytes(32))
    assert office.of(list_id).reviewed_by == ""


def test_R25_same_file_again_makes_no_second_list(office: Office) -> None:
    office.imported(ONE, TWO)
    again = office.unit.take(sheet(ONE, TWO))
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)
    assert len(office.all()) == 1
    office.review(office.all()[0].list_id)
    office.sign(office.all()[0].list_id)
    office.unit.take(sheet(ONE, TWO))
    assert len(office.all()) == 1


def test_R25_later_file_asks_for_a_signature_under_what_changed_alone(office: Office) -> None:
    office.in_force(ONE, TWO)
    correction = office.imported(DEARER, TWO)
    assert [shown.item_ref for shown in office.show(correction).items] == [REF]


def test_R25_items_of_a_trial_are_signed_by_importing_them_again(unit: Unit) -> None:
    unit.take(sheet(ONE))
    unit.accept_all()
    office = Office(unit)
    list_id = office.imported(ONE)
    office.review(list_id)
    office.sign(list_id)
    assert unit.statuses() == {(REF, "李某"): PersonStatus.ACCEPTED}  # nothing to send
    unit.take(sheet(ONE))
    assert office.waiting() == []


def test_R25_signer_sees_the_whole_content_and_says_why(office: Office) -> None:
    list_id = office.imported(ONE, TWO)
    shown = office.show(list_id).items
    assert [one.item_ref for one in shown] == [REF, "MZ-2026-002"]
    said = shown[0].said
    assert said is not None
    assert (said.amount_fen, said.persons[0].identifier) == (120050, person(1))
    entry = office.unit.trail()[-1]
    assert (entry.action, entry.subject, entry.reason) == (
        "list-content",
        list_id.hex(),
        "办理名单审核",
    )
    refusal("R63", office.show, list_id, "")


def test_R25_digest_can_be_computed_from_what_is_shown(office: Office) -> None:
    list_id = office.imported(ONE, TWO)
    said = [shown.said for shown in office.show(list_id).items]
    entries = {one.item_ref: make_entry(one).digest for one in said if one is not None}
    held = office.of(list_id)
    assert digest_of("ben-a", held.kind, entries) == held.digest
    assert digest_of("ben-b", held.kind, entries) != held.digest


def test_R25_digest_is_that_of_the_specification(office: Office) -> None:
    def digest(label: str, *fields: str | bytes) -> bytes:
        parts = [f"libmatch/1/{label}", *fields]
        encoded = [part.encode() if isinstance(part, str) else part for part in parts]
        return sha256(b"".join(len(e).to_bytes(4, "big") + e for e in encoded)).digest()

    content = (
        '{"amount_fen": 120050, "company": "", "finished": null, "item_name": "危房改造", '
        '"item_ref": "MZ-2026-001", "persons": [[1, "' + person(1).idn + '", "李某", "受益人"]], '
        '"place": "某村", "programme": "住房补助", "remark": "", "start": "2026-03-01"}'
    )
    expected = digest("list", "ben-a", "pre", REF, digest("list-item", content))
    assert office.of(office.imported(ONE)).digest == expected


def test_R65_plaintext_of_a_list_goes_when_it_no_longer_waits(office: Office) -> None:
    office.in_force(ONE)
    discarded = office.imported(DEARER)
    office.steps.discard(LI, discarded, "录入有误")
    query = "SELECT count(*) FROM item_list_entry WHERE content <> '' OR waiting"
    assert office.unit.count(query) == 0
    assert office.of(discarded).state is ListState.DISCARDED
    assert office.unit.listed()[0].item.amount_fen == 120050


def test_discarded_list_cannot_be_signed_and_needs_a_reason(office: Office) -> None:
    list_id = office.imported(ONE)
    with pytest.raises(InvalidRequest):
        office.steps.discard(LI, list_id, "")
    office.steps.discard(LI, list_id, "录入有误")
    with pytest.raises(Conflict):
        office.sign(list_id)
    with pytest.raises(NotFound):
        office.steps.sign(SHEN, bytes(16), bytes(32))
    with pytest.raises(NotFound):
        office.unit.withdraw(REF)


def test_trial_has_lists_in_force_at_once(unit: Unit) -> None:
    unit.take(sheet(ONE))
    assert unit.pending() == 1
    assert unit.count("SELECT count(*) FROM item_list WHERE state = 'in-force'") == 1
    unit.take(sheet(ONE))
    assert unit.count("SELECT count(*) FROM item_list") == 1
    assert unit.withdraw(REF) == 1
    assert unit.count("SELECT count(*) FROM item_list WHERE kind = 'withdrawal'") == 1


def test_content_of_an_entry_reads_back(office: Office) -> None:
    (shown,) = office.show(office.imported(ONE)).items
    assert shown.said is not None
    entry = make_entry(shown.said)
    assert make_entry(json_to_item(entry.content)) == entry


def test_long_list_is_shown_in_pages(office: Office) -> None:
    office.page = 2
    rows = [row(person(n), f"MZ-2026-00{n}", "李某") for n in range(1, 6)]
    list_id, seen, after = office.imported(*rows), list[str](), ""
    for _ in range(3):
        page = office.show(list_id, after=after)
        seen += [one.item_ref for one in page.items]
        after = page.next_after
    assert seen == [f"MZ-2026-00{n}" for n in range(1, 6)]
    assert after == ""


def test_trial_has_nobody_to_sign(unit: Unit) -> None:
    accounts = Accounts(AccountStore(unit.database), "ben-a", None, lambda: NOW)
    with pytest.raises(Refused, match="no administrators"):
        ListSteps(unit.lists, accounts, unit.wake).sign(SHEN, bytes(16), bytes(32))

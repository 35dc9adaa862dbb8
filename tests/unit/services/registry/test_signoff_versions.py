"""Versions of a declaration: changes with kind and day, late or not, confirmations, what is due, looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from services.chassis.refusals import NotFound
from services.process.store.trail import Trail
from services.registry.entries import RelativeStatus
from services.registry.signoff.looks import DueKind, Next
from services.registry.signoff.versions import Reported
from services.registry.store import Store
from services.rules.entry import State
from services.rules.reporting import Post
from services.rules.versions import ChangeKind
from tests.district import NOW, person
from tests.rules_samples import refusal
from tests.unit.services.registry.sheets_of_declarations import sheet
from tests.unit.services.registry.signoff_bench import (
    CAMPAIGN_DUE,
    CHILD,
    DISTRICT,
    HEAD,
    IN_CHARGE,
    LEADER,
    SPOUSE,
    TODAY,
    WORKER,
    Office,
    form,
)

SIGNED_ON = date(2026, 5, 20)
LOOK = "办理申报签署"
FORM = sheet(form(SPOUSE), form(CHILD, "李小某", "子女"))
MOVED = sheet(form(SPOUSE, 报告人职务="副主任"), form(CHILD, "李小某", "子女", 报告人职务="副主任"))


@pytest.fixture
def entered(office: Office) -> Office:
    """One official, first version, reviewed and accepted by the matcher."""
    office.take(FORM, signed_on=SIGNED_ON)
    office.sign()
    office.enter()
    office.review()
    accept_all(office)
    return office


def accept_all(office: Office) -> None:
    statement = sa.text(
        "UPDATE record SET state = 'accepted', epoch = zeroblob(32), seq = 1, "
        "rid = randomblob(16), token = zeroblob(32) WHERE state = 'entered'"
    )
    office.database.run_tx("accept", lambda session: session.execute(statement))


def reported(office: Office) -> Reported:
    found = office.version().reported
    assert found is not None
    return found


def change(office: Office, data: bytes, kind: ChangeKind, **options: object) -> None:
    done = office.take(data, signed_on=TODAY, change=kind, **options)
    assert done.report.problems == (), done.report.problems
    office.sign()
    office.enter()


def test_R20_change_without_kind_or_day_is_refused_and_nothing_changes(entered: Office) -> None:
    for options in (
        {},
        {"change": ChangeKind.FIRST},
        {"change": ChangeKind.POST},
        {"change": ChangeKind.POST, "event_on": TODAY + timedelta(days=1)},
    ):
        done = entered.take(MOVED, signed_on=TODAY, **options)
        (problem,) = done.report.problems
        assert "规则R20" in str(problem)
        assert (done.new, done.report.tally.refused) == (0, 2)
    assert len(entered.versions()) == 1


def test_R20_change_is_a_version_of_its_own_and_what_is_matched_stays_until_its_entry(
    entered: Office,
) -> None:
    event = TODAY - timedelta(days=10)
    entered.take(MOVED, signed_on=TODAY, change=ChangeKind.POST, event_on=event)
    first, second = entered.versions()
    assert (first.state, second.state) == (State.REVIEWED, State.PLEDGED)
    assert (second.number, second.occasion.change) == (2, ChangeKind.POST)
    assert (reported(entered).effective_from, reported(entered).late) == (event, False)
    assert second.due_on == event + timedelta(days=30)
    assert set(entered.statuses().values()) == {RelativeStatus.ACCEPTED}
    entered.sign()
    assert set(entered.statuses().values()) == {RelativeStatus.ACCEPTED}
    entered.enter()
    assert set(entered.statuses().values()) == {RelativeStatus.ENTERED}  # all repeat the post


def test_R20_report_after_thirty_days_is_taken_and_flagged(entered: Office) -> None:
    event = SIGNED_ON - timedelta(days=50)
    change(entered, MOVED, ChangeKind.POST, event_on=event)
    assert reported(entered).late


def test_R20_form_signed_before_the_event_is_refused(entered: Office) -> None:
    early = TODAY - timedelta(days=3)
    options = {"change": ChangeKind.POST, "event_on": TODAY - timedelta(days=1)}
    (problem,) = entered.take(MOVED, signed_on=early, **options).report.problems
    assert "规则R20" in str(problem)


def test_R20_unsigned_form_with_an_event_to_come_is_not_even_a_draft(entered: Office) -> None:
    tomorrow = TODAY + timedelta(days=1)
    done = entered.take(MOVED, change=ChangeKind.POST, event_on=tomorrow)
    assert "规则R20" in str(done.report.problems[0])
    assert len(entered.versions()) == 1


def test_R20_relative_whom_the_new_version_no_longer_names_leaves_the_match(
    entered: Office,
) -> None:
    change(entered, sheet(form(SPOUSE)), ChangeKind.RELATIVES, event_on=TODAY)
    assert entered.statuses()["李小某"] is RelativeStatus.WITHDRAWN
    assert entered.statuses()["李某"] is RelativeStatus.ACCEPTED
    assert entered.pending() == 2


def test_R20_corrected_number_replaces_the_wrong_one(entered: Office) -> None:
    right = sheet(form(SPOUSE), form(person(3), "李小某", "子女"))
    change(entered, right, ChangeKind.CORRECTION)
    assert entered.pending() == 3  # the new record, and the old one withdrawn
    assert (reported(entered).effective_from, reported(entered).late) == (SIGNED_ON, False)


def test_R20_file_of_the_entered_version_does_not_undo_a_change_that_waits(entered: Office) -> None:
    entered.take(MOVED, signed_on=TODAY, change=ChangeKind.POST, event_on=TODAY)
    waiting = entered.version()
    done = entered.take(FORM, signed_on=SIGNED_ON)
    assert (done.unchanged, entered.version()) == (1, waiting)


def test_R20_change_that_waits_is_altered_without_saying_its_kind_again(entered: Office) -> None:
    entered.take(MOVED, signed_on=TODAY, change=ChangeKind.POST, event_on=TODAY)
    other = (form(SPOUSE, 报告人职务="主任"), form(CHILD, "李小某", "子女", 报告人职务="主任"))
    entered.take(sheet(*other), signed_on=TODAY)
    assert len(entered.versions()) == 2
    assert entered.version().occasion.change is ChangeKind.POST
    assert entered.version().declaration.reporter.post == "主任"


def test_R20_older_version_is_not_handed_back_once_there_is_a_newer_one(office: Office) -> None:
    office.take(FORM, signed_on=SIGNED_ON)
    office.sign()
    office.enter()
    seen = office.seen()
    office.take(MOVED, signed_on=TODAY, change=ChangeKind.POST, event_on=TODAY)
    refusal("R20", office.desk.hand_back, LEADER, seen, "单位填写有误")
    office.desk.review(LEADER, seen)
    assert [v.state for v in office.versions()] == [State.REVIEWED, State.PLEDGED]


def test_R20_blank_cells_of_a_change_keep_what_was_declared(entered: Office) -> None:
    first = form(SPOUSE, 报告人职级="", 亲属单位="某公司")
    blank = sheet(first, form(CHILD, "李小某", "子女", 亲属户籍地址=""))
    change(entered, blank, ChangeKind.RELATIVES, event_on=TODAY)
    content = entered.version().declaration
    assert content.reporter.rank == "正科级"
    assert [relative.household for relative in content.relatives] == ["某街道"] * 2


@pytest.mark.parametrize(
    ("signed_on", "began_on", "late"),
    [
        (date(2026, 6, 30), None, False),
        (date(2026, 7, 1), None, True),
        (date(2026, 7, 31), date(2026, 7, 1), False),
        (date(2026, 8, 1), date(2026, 7, 1), True),
    ],
)
def test_R58_first_report_is_late_after_the_campaigns_day_or_thirty_days_in_a_post(
    office: Office, signed_on: date, began_on: date | None, late: bool
) -> None:
    office.now = NOW + timedelta(days=90)
    office.take(FORM, signed_on=signed_on, began_on=began_on)
    assert reported(office).late is late


def test_R58_without_a_campaign_nothing_is_late(office: Office) -> None:
    office.district = replace(DISTRICT, campaigns=())
    office.take(FORM, signed_on=SIGNED_ON)
    assert office.version().due_on is None
    assert not reported(office).late


def test_R18_unknown_number_keeps_its_day_and_is_completed_by_a_correction(office: Office) -> None:
    unknown = sheet(form(None))
    office.take(unknown, signed_on=SIGNED_ON)
    due_on = TODAY + timedelta(days=30)
    office.now += timedelta(days=20)
    assert office.take(unknown, signed_on=SIGNED_ON).unchanged == 1
    (relative,) = office.version().declaration.relatives
    assert relative.unknown is not None
    assert relative.unknown.due_on == due_on
    office.sign()
    office.enter()
    assert office.statuses()["李某"] is RelativeStatus.ID_UNKNOWN
    office.now += timedelta(days=20)
    found = office.looks.due(WORKER, due_on, LOOK).dues
    assert [(due.kind, due.days_late) for due in found] == [(DueKind.UNKNOWN_ID, 10)]
    office.take(sheet(form(SPOUSE)), signed_on=TODAY, change=ChangeKind.CORRECTION)
    office.sign()
    office.enter()
    assert office.statuses()["李某"] is RelativeStatus.ENTERED
    (relative,) = office.version().declaration.relatives
    assert (relative.unknown, relative.remark) == (None, "")


def test_R20_yearly_confirmation_moves_the_day_on_which_it_is_due(entered: Office) -> None:
    year = SIGNED_ON + timedelta(days=365)
    assert entered.looks.due(WORKER, year - timedelta(days=1), LOOK).dues == ()
    (due,) = entered.looks.due(WORKER, year, LOOK).dues
    assert (due.kind, due.due_on) == (DueKind.CONFIRMATION, year)
    refusal("R20", entered.desk.confirm, WORKER, entered.seen(), TODAY + timedelta(days=1))
    refusal("R20", entered.desk.confirm, WORKER, entered.seen(), SIGNED_ON - timedelta(days=1))
    refusal("R31", entered.desk.confirm, LEADER, entered.seen(), TODAY)
    entered.desk.confirm(WORKER, entered.seen(), TODAY)
    assert entered.looks.due(WORKER, year, LOOK).dues == ()
    (due,) = entered.looks.due(WORKER, TODAY + timedelta(days=365), LOOK).dues
    assert due.days_late == -365


def test_R20_official_who_was_withdrawn_owes_no_confirmation(entered: Office) -> None:
    year = SIGNED_ON + timedelta(days=365)
    store = Store(entered.database)
    trail = Trail(entered.now, WORKER, "withdraw-relatives", "", "调离本单位")
    (listed,) = store.list_declarations(trail)
    store.withdraw(listed.official.ref, [listed.relatives[1][0].ref], trail)
    assert len(entered.looks.due(WORKER, year, LOOK).dues) == 1
    store.withdraw(listed.official.ref, (), trail)
    assert entered.looks.due(WORKER, year, LOOK).dues == ()


def test_R20_what_waits_is_not_confirmed(entered: Office) -> None:
    seen = entered.seen()
    entered.take(MOVED, signed_on=TODAY, change=ChangeKind.POST, event_on=TODAY)
    refusal("R20", entered.desk.confirm, WORKER, seen, TODAY)
    refusal("R20", entered.desk.confirm, WORKER, entered.seen(), TODAY)


def test_R58_what_is_not_entered_is_due_by_the_campaigns_day(office: Office) -> None:
    office.take(FORM)
    due = office.looks.due(WORKER, CAMPAIGN_DUE, LOOK)
    assert [(one.kind, one.due_on) for one in due.dues] == [(DueKind.REPORT, CAMPAIGN_DUE)]
    assert due.campaign_due == CAMPAIGN_DUE


# --- looks ----------------------------------------------------------------------------------------


def test_list_says_who_acts_next_and_whether_it_is_the_viewer(office: Office) -> None:
    def seen(viewer: object) -> list[tuple[Next, bool]]:
        return [(one.next, one.mine) for one in office.looks.list_versions(viewer, (), LOOK)]

    office.take(FORM, post=None)
    assert seen(WORKER) == [(Next.OFFICIAL, True)]
    office.take(FORM, signed_on=SIGNED_ON, post=None)
    assert seen(WORKER) == [(Next.WORKER_PLACES, True)]
    assert seen(IN_CHARGE) == []
    office.take(FORM, signed_on=SIGNED_ON, post=Post.SECTION)
    assert (seen(WORKER), seen(IN_CHARGE)) == ([(Next.SIGNER, False)], [(Next.SIGNER, True)])
    assert seen(HEAD) == []  # others sign it
    office.sign()
    assert seen(WORKER) == [(Next.WORKER, True)]
    office.enter()
    assert seen(LEADER) == [(Next.LEADER, True)]
    office.review()
    assert seen(LEADER) == [(Next.NOBODY, False)]
    assert office.looks.list_versions(LEADER, (State.SIGNED,), LOOK) == []
    assert office.looks.list_versions(LEADER, (), LOOK, mine=True) == []


def test_R63_content_is_shown_to_the_signer_with_a_reason_and_leaves_its_trail(
    entered: Office,
) -> None:
    entered.take(MOVED, signed_on=TODAY, change=ChangeKind.POST, event_on=TODAY)
    ref = entered.version().ref
    refusal("R63", entered.looks.show, IN_CHARGE, ref, "")
    shown = entered.looks.show(IN_CHARGE, ref, LOOK)
    assert shown.changes_zh == ("报告人：职务有变化",)
    assert shown.listed.version.declaration.relatives[0].identifier == SPOUSE
    last = entered.trail()[-1]
    assert (last.action, last.subject, last.reason) == ("show-declaration", ref.hex(), LOOK)
    refusal("R22", entered.looks.show, HEAD, ref, LOOK)
    shows = [one.outcome for one in entered.trail() if one.action == "show-declaration"]
    assert shows == ["ok", "refused R22"]
    with pytest.raises(NotFound):
        entered.looks.show(WORKER, b"\xee" * 16, LOOK)

"""Leads: to whom they go, how they travel between organs, how they end (R53, R54)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from operator import methodcaller
from pathlib import Path

import pytest
import sqlalchemy as sa

from libmatch.parcels import seal_parcel
from services.chassis.refusals import Conflict, InvalidRequest, NotFound
from services.process.leads.files import decode_entry, encode_entry, encode_file
from services.process.leads.measures import Measure
from services.process.leads.steps import Dispose, HandOver, HeldLead, LeadEntry, Register
from services.process.store import leads as store
from services.rules.leads import (
    Authority,
    Concern,
    Disposal,
    Gravity,
    Ground,
    LeadState,
    Nature,
    Organ,
    Source,
)
from services.rules.matter_facts import Actor
from services.rules.roles import Role
from services.rules.violation import RuleViolation
from tests.district import INSPECTOR, District, make_district
from tests.unit.services.process.supervision_bench import NOW, Room

LOOK = "核对线索办理情况"
FIRST = Dispose(Disposal.FIRST_FORM, Nature.OMISSION, "谈话提醒，责令补报")


@dataclass
class Rooms:
    """Two units and 纪委, under one clock."""

    district: District
    own: Room
    other: Room
    commission: Room

    def pass_days(self, days: int) -> None:
        for room in (self.own, self.other, self.commission):
            room.pass_days(days)


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(registry=("reg-a", "reg-b"), now=NOW)


@pytest.fixture
def rooms(blank: Path, tmp_path: Path, district: District) -> Iterator[Rooms]:
    with ExitStack() as stack:
        opened = (Room.open(blank, tmp_path, u, district) for u in ("reg-a", "reg-b", INSPECTOR))
        yield Rooms(district, *map(stack.enter_context, opened))


def lead_about(
    authority: Authority = Authority.UNIT, unit: str = "reg-a", *, discipline: bool = False
) -> Callable[[datetime], Register]:
    def make(at: datetime) -> Register:
        ground, source = Ground.UNTRUE_REPORT, Source.UNIT_CHECK
        concern = Concern(ground, source, authority, unit, unit, discipline, at)
        return Register(concern, "0123abcd", "某科某某", "未报告配偶的兄弟")

    return make


def refused(call: Callable[[], object], rule: str, *words: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        call()
    assert caught.value.rule == rule
    for word in words:
        assert word in caught.value.message_zh


def carry(
    held: HeldLead, sender: Room, by: str, to: Room, login: str, recipient: str = ""
) -> HeldLead:
    """The lead as the other organ has it after the file came."""
    _, file = sender.leads.export(sender.who(by), held.lead.lead_id, recipient)
    return to.leads.take_in(to.who(login), file).held


# --- to whom ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authority", "discipline", "organ", "organ_unit"),
    [
        (Authority.CITY, False, Organ.CITY_COMMISSION, ""),
        (Authority.DISTRICT, False, Organ.DISTRICT_COMMISSION, ""),
        (Authority.UNIT, False, Organ.UNIT_ORGAN, "reg-a"),
        (Authority.UNIT, True, Organ.DISTRICT_COMMISSION, ""),
        (Authority.VILLAGE, False, Organ.TOWNSHIP_COMMISSION, "reg-a"),
    ],
)
def test_R53_a_lead_goes_by_cadre_authority(
    rooms: Rooms, authority: Authority, discipline: bool, organ: Organ, organ_unit: str
) -> None:
    ji = rooms.own.who("ji")
    lead = rooms.own.leads.record(ji, lead_about(authority, discipline=discipline)).lead
    assert (lead.organ, lead.organ_unit, str(lead.due_on)) == (organ, organ_unit, "2019-01-06")


def test_R53_a_lead_for_the_organ_of_an_unknown_unit_is_not_recorded(rooms: Rooms) -> None:
    desk, ji = rooms.own.leads, rooms.own.who("ji")
    refused(lambda: desk.record(ji, lead_about(unit="reg-x")), "R53", "reg-x", "名册")
    assert desk.list_all(ji, LOOK) == []
    assert desk.record(ji, lead_about(Authority.DISTRICT, "reg-x")).lead.organ_unit == ""


@pytest.mark.parametrize("login", ["wang", "li", "shu", "guan"])
def test_R53_others_than_discipline_organs_neither_record_nor_see_leads(
    rooms: Rooms, login: str
) -> None:
    room = rooms.own
    held = room.leads.record(room.who("ji"), lead_about())
    refused(lambda: room.leads.record(room.who(login), lead_about()), "R53")
    refused(lambda: room.leads.list_all(room.who(login), LOOK), "R53")
    refused(lambda: room.leads.export(room.who(login), held.lead.lead_id, INSPECTOR), "R53")
    refused(lambda: room.leads.measures(room.who(login), LOOK), "R53")


def test_R53_a_lead_about_a_cadre_of_the_district_reaches_the_commission_sealed(
    rooms: Rooms,
) -> None:
    held = rooms.own.leads.record(rooms.own.who("ji-2"), lead_about(Authority.DISTRICT))
    refused(lambda: rooms.own.leads.dispose(rooms.own.who("ji"), held.lead.lead_id, FIRST), "R53")
    recipient, file = rooms.own.leads.export(rooms.own.who("ji-2"), held.lead.lead_id, "")
    assert recipient == INSPECTOR
    assert "某科某某".encode() not in file
    with pytest.raises(InvalidRequest):
        rooms.other.leads.take_in(rooms.other.who("ji"), file)
    taken = rooms.commission.leads.take_in(rooms.commission.who("zhang"), file)
    assert (taken.sender, taken.new, taken.held.first.about) == ("reg-a", 2, "某科某某")
    rooms.pass_days(5)
    done = rooms.commission.leads.dispose(rooms.commission.who("zhang"), held.lead.lead_id, FIRST)
    assert done.lead.state is LeadState.DISPOSED
    back = carry(done, rooms.commission, "zhang", rooms.own, "ji", recipient="reg-a")
    assert back.lead == done.lead


def test_R53_the_commissions_lead_is_pressed_and_disposed_of_by_the_units_organ(
    rooms: Rooms,
) -> None:
    zhang, commission = rooms.commission.who("zhang"), rooms.commission.leads
    held = commission.record(zhang, lead_about(Authority.UNIT, "reg-b"))
    lead_id = held.lead.lead_id
    assert carry(held, rooms.commission, "zhang", rooms.other, "ji").lead == held.lead
    held = commission.press(zhang, lead_id, date(2018, 10, 20))
    there = carry(held, rooms.commission, "zhang", rooms.other, "ji")
    assert (there.lead.state, there.lead.due_on) == (LeadState.PRESSED, date(2018, 10, 20))
    refused(
        lambda: rooms.other.leads.press(rooms.other.who("ji"), lead_id, date(2018, 10, 19)), "R53"
    )
    refused(lambda: commission.dispose(zhang, lead_id, FIRST), "R53")
    rooms.other.leads.dispose(rooms.other.who("ji"), lead_id, FIRST)
    done = rooms.other.leads.get(rooms.other.who("ji"), lead_id, LOOK)
    assert carry(done, rooms.other, "ji", rooms.commission, "zhang", INSPECTOR).lead == done.lead


def test_R53_the_commission_takes_a_grave_lead_itself(rooms: Rooms) -> None:
    held = rooms.own.leads.record(rooms.own.who("ji"), lead_about())
    lead_id, zhang = held.lead.lead_id, rooms.commission.who("zhang")
    carry(held, rooms.own, "ji", rooms.commission, "zhang", INSPECTOR)
    taken = rooms.commission.leads.take_over(zhang, lead_id, Gravity.SERIOUS)
    assert carry(taken, rooms.commission, "zhang", rooms.own, "ji", "reg-a").lead == taken.lead
    refused(lambda: rooms.own.leads.dispose(rooms.own.who("ji"), lead_id, FIRST), "R53", "区纪委")


def test_R53_an_organ_from_which_a_lead_was_taken_is_told_and_sees_it_no_longer(
    rooms: Rooms,
) -> None:
    zhang, ji = rooms.commission.who("zhang"), rooms.other.who("ji")
    held = rooms.commission.leads.record(zhang, lead_about(Authority.UNIT, "reg-b"))
    lead_id = held.lead.lead_id
    carry(held, rooms.commission, "zhang", rooms.other, "ji")
    assert rooms.other.leads.get(ji, lead_id, LOOK).lead == held.lead
    taken = rooms.commission.leads.take_over(zhang, lead_id, Gravity.VILE)
    carry(taken, rooms.commission, "zhang", rooms.other, "ji", recipient="reg-b")
    assert rooms.other.leads.list_all(ji, LOOK) == []
    with pytest.raises(NotFound):
        rooms.other.leads.get(ji, lead_id, LOOK)
    with pytest.raises(NotFound):
        rooms.other.leads.dispose(ji, lead_id, FIRST)


def test_R53_a_lead_goes_to_no_organ_that_has_nothing_to_do_with_it(rooms: Rooms) -> None:
    held = rooms.own.leads.record(rooms.own.who("ji"), lead_about())
    lead_id, ji = held.lead.lead_id, rooms.own.who("ji")
    refused(lambda: rooms.own.leads.export(ji, lead_id, "reg-b"), "R53", "核对接收单位")
    refused(lambda: rooms.own.leads.export(ji, lead_id, ""), "R53")  # it is this very organ's
    city = rooms.own.leads.record(ji, lead_about(Authority.CITY))
    refused(lambda: rooms.own.leads.export(ji, city.lead.lead_id, ""), "R53", "书面")


def test_R53_a_unit_sees_only_leads_that_it_recorded_or_deals_with(rooms: Rooms) -> None:
    zhang = rooms.commission.who("zhang")
    rooms.commission.leads.record(zhang, lead_about(Authority.DISTRICT, "reg-b"))
    mine = rooms.commission.leads.record(zhang, lead_about(Authority.UNIT, "reg-b"))
    foreign = rooms.commission.leads.record(zhang, lead_about(Authority.UNIT, "reg-a"))
    carry(mine, rooms.commission, "zhang", rooms.other, "ji")
    assert len(rooms.commission.leads.list_all(zhang, LOOK)) == 3
    (seen,) = rooms.other.leads.list_all(rooms.other.who("ji"), LOOK)
    assert seen.lead.lead_id == mine.lead.lead_id
    with pytest.raises(NotFound):
        rooms.other.leads.get(rooms.other.who("ji"), foreign.lead.lead_id, LOOK)


# --- files --------------------------------------------------------------------------------------


def test_R53_a_file_taken_in_twice_changes_nothing(rooms: Rooms) -> None:
    held = rooms.own.leads.record(rooms.own.who("ji"), lead_about(Authority.DISTRICT))
    _, file = rooms.own.leads.export(rooms.own.who("ji"), held.lead.lead_id, "")
    zhang = rooms.commission.who("zhang")
    first = rooms.commission.leads.take_in(zhang, file)
    again = rooms.commission.leads.take_in(zhang, file)
    assert (first.new, again.new, again.held.lead) == (2, 0, first.held.lead)


def forge(rooms: Rooms, sender: str, entries: list[LeadEntry], to: str = INSPECTOR) -> bytes:
    key = rooms.district.keys(sender).signing
    return seal_parcel(rooms.district.epoch, "lead", sender, key, to, encode_file(entries))


def entry(unit: str, role: Role, seq: int = 1, minutes: int = 0) -> LeadEntry:
    at = NOW + timedelta(minutes=minutes)
    actor, make = Actor("x", "某人", unit, role), lead_about(Authority.DISTRICT)
    step = make(NOW) if seq == 1 else HandOver(INSPECTOR)
    return LeadEntry(b"L" * 16, seq, at, actor, step)


@pytest.mark.parametrize(
    "entries",
    [
        [entry("reg-b", Role.DISCIPLINE_HEAD)],  # another unit's step
        [entry("reg-a", Role.INSPECTOR)],  # 纪委's role
        [entry("reg-a", Role.WORKER)],
        [
            entry("reg-a", Role.DISCIPLINE_HEAD),
            replace(entry("reg-a", Role.DISCIPLINE_HEAD, 2), lead_id=b"M" * 16),
        ],
        [entry("reg-a", Role.DISCIPLINE_HEAD, minutes=61)],  # of the future
    ],
)
def test_R53_a_unit_speaks_for_nobody_but_itself(rooms: Rooms, entries: list[LeadEntry]) -> None:
    zhang = rooms.commission.who("zhang")
    with pytest.raises(InvalidRequest):
        rooms.commission.leads.take_in(zhang, forge(rooms, "reg-a", entries))
    assert rooms.commission.leads.list_all(zhang, LOOK) == []


def test_R53_a_step_that_was_told_is_not_told_otherwise_later(rooms: Rooms) -> None:
    zhang, head = rooms.commission.who("zhang"), entry("reg-a", Role.DISCIPLINE_HEAD)
    rooms.commission.leads.take_in(zhang, forge(rooms, "reg-a", [head]))
    assert isinstance(head.step, Register)
    changed = replace(head, step=replace(head.step, summary="另一内容"))
    with pytest.raises(Conflict):
        rooms.commission.leads.take_in(zhang, forge(rooms, "reg-a", [changed]))


def test_R53_a_file_without_the_record_is_refused(rooms: Rooms) -> None:
    file = forge(rooms, "reg-a", [entry("reg-a", Role.DISCIPLINE_HEAD, 2)])
    refused(lambda: rooms.commission.leads.take_in(rooms.commission.who("zhang"), file), "R53")


def test_R53_what_a_unit_may_not_do_has_no_effect_when_it_comes_in_a_file(rooms: Rooms) -> None:
    head = entry("reg-a", Role.DISCIPLINE_HEAD)
    disposal = replace(entry("reg-a", Role.DISCIPLINE_HEAD, 2, minutes=1), step=FIRST)
    file = forge(rooms, "reg-a", [head, disposal])
    held = rooms.commission.leads.take_in(rooms.commission.who("zhang"), file).held
    assert held.lead.state is LeadState.ASSIGNED
    assert "区纪委" in held.refusals[1]


def test_every_kind_of_entry_reads_back(rooms: Rooms) -> None:
    held = rooms.own.leads.record(rooms.own.who("ji"), lead_about())
    rooms.pass_days(1)
    noted = rooms.own.leads.note_correction(rooms.own.who("ji"), held.lead.lead_id, NOW)
    done = rooms.own.leads.dispose(rooms.own.who("ji"), noted.lead.lead_id, FIRST)
    for one in done.entries:
        assert decode_entry(encode_entry(one)) == one


# --- how it ends --------------------------------------------------------------------------------


def test_R54_who_corrected_before_discovery_left_out_and_did_not_conceal(rooms: Rooms) -> None:
    desk, ji = rooms.own.leads, rooms.own.who("ji")
    lead_id = desk.record(ji, lead_about()).lead.lead_id
    held = desk.note_correction(ji, lead_id, NOW - timedelta(days=10))
    assert held.lead.is_self_corrected
    concealed = replace(FIRST, nature=Nature.CONCEALMENT)
    refused(lambda: desk.dispose(ji, lead_id, concealed), "R54", "漏报")
    assert desk.dispose(ji, lead_id, FIRST).lead.conclusion is not None


def test_R54_a_disposal_is_replaced_with_a_reason_and_never_changed(rooms: Rooms) -> None:
    desk, ji = rooms.own.leads, rooms.own.who("ji")
    lead_id = desk.record(ji, lead_about()).lead.lead_id
    early = replace(FIRST, replaces_because="先前有误")
    refused(lambda: desk.dispose(ji, lead_id, early), "R54")
    desk.dispose(ji, lead_id, FIRST)
    second = Dispose(Disposal.SECOND_FORM, Nature.CONCEALMENT, "查明系故意隐瞒")
    refused(lambda: desk.dispose(ji, lead_id, second), "R54", "更正")
    held = desk.dispose(ji, lead_id, replace(second, replaces_because="另查明新的事实"))
    assert held.lead.conclusion is not None
    assert held.lead.conclusion.disposal is Disposal.SECOND_FORM
    assert [type(one.step) for one in held.entries] == [Register, Dispose, Dispose]


def test_R54_only_the_head_of_the_organ_disposes(rooms: Rooms) -> None:
    desk = rooms.own.leads
    lead_id = desk.record(rooms.own.who("ji-2"), lead_about()).lead.lead_id
    refused(lambda: desk.dispose(rooms.own.who("ji-2"), lead_id, FIRST), "R53")


def test_R54_steps_of_a_lead_are_neither_changed_nor_deleted(rooms: Rooms) -> None:
    rooms.own.leads.record(rooms.own.who("ji"), lead_about())
    for sql in map(sa.text, ("UPDATE lead_entry SET seq = 2", "DELETE FROM lead_entry")):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"):
            rooms.own.database.run_tx("test", methodcaller("execute", sql))


def test_R41_each_measure_shows_the_lead_that_it_became(rooms: Rooms) -> None:
    room, day = rooms.commission, date(2018, 9, 20)
    told = ("停发", day, "区纪委", "移送〔2018〕3号", day)
    room.known_measures = [Measure(bytes([n]) * 16, "min-zheng", *told) for n in (0xAB, 0xCD)]
    zhang = room.who("zhang")

    def make(at: datetime) -> Register:
        register = lead_about(Authority.DISTRICT)(at)
        concern = replace(register.concern, source=Source.VERIFICATION)
        return replace(register, concern=concern, reference=(b"\xab" * 16).hex())

    lead_id = room.leads.record(zhang, make).lead.lead_id
    assert [one.lead_id for one in room.leads.measures(zhang, LOOK)] == [lead_id, b""]


# --- what stays out of trails and errors ----------------------------------------------------------


def test_R63_trails_of_leads_hold_ids_and_reasons_alone(rooms: Rooms) -> None:
    room = rooms.own
    held = room.leads.record(room.who("ji"), lead_about())
    room.leads.get(room.who("ji"), held.lead.lead_id, LOOK)
    refused(lambda: room.leads.get(room.who("ji"), held.lead.lead_id, ""), "R63")
    room.leads.export(room.who("ji"), held.lead.lead_id, INSPECTOR)
    assert room.trail() == [
        ("ji", "record-lead", "ok"),
        ("ji", "get-lead", "ok"),
        ("ji", "get-lead", "refused R63"),
        ("ji", "export-lead", f"to {INSPECTOR}"),
    ]


@pytest.mark.parametrize("field", ["reference", "about", "summary"])
def test_R63_a_lead_holds_no_identity_number(rooms: Rooms, field: str) -> None:
    def make(at: datetime) -> Register:
        good = lead_about()(at)
        texts = {"reference": "1", "about": "某人", "summary": "某事"}
        return Register(good.concern, **{**texts, field: "号码110101199003070010"})

    refused(lambda: rooms.own.leads.record(rooms.own.who("ji"), make), "R53", "证件号码")
    assert rooms.own.database.read(lambda s: store.read_entries(s, b"L" * 16)) == []

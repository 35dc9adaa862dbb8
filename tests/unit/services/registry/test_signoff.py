"""From a form to the match: pledge, signature, entry, review, in this order and by the right people."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.chassis.refusals import Conflict, InvalidRequest, NotFound, Refused
from services.holder.accounts import Accounts
from services.holder.store.accounts import AccountStore
from services.registry.entries import RelativeStatus
from services.registry.signoff.acting import ActOnVersions
from services.registry.signoff.desk import SignOffDesk
from services.registry.signoff.versions import Placing
from services.registry.store import Store
from services.rules.entry import State
from services.rules.readings import OpinionBox
from services.rules.reporting import Post
from services.rules.roles import Role
from services.rules.ruleset import RuleSets, packaged_rulesets
from services.rules.violation import RuleViolation
from tests.district import NOW, person
from tests.rules_samples import number, refusal
from tests.unit.services.registry.sheets_of_declarations import sheet
from tests.unit.services.registry.signoff_bench import (
    CHILD,
    DISTRICT,
    HEAD,
    IN_CHARGE,
    LEADER,
    ORGAN,
    SPOUSE,
    TODAY,
    UNIT,
    WORKER,
    Office,
    form,
    seen_of,
    who,
)

SIGNED_ON = date(2026, 5, 20)
FORM = sheet(form(SPOUSE), form(CHILD, "李小某", "子女"))


@pytest.fixture
def pledged(office: Office) -> Office:
    office.take(FORM, signed_on=SIGNED_ON)
    return office


def test_R21_declaration_is_matched_after_signature_and_entry_and_not_before(
    pledged: Office,
) -> None:
    assert (pledged.version().state, pledged.pending()) == (State.PLEDGED, 0)
    pledged.sign()
    assert (pledged.version().state, pledged.pending(), pledged.woken) == (State.SIGNED, 0, [])
    pledged.enter()
    assert pledged.version().state is State.ENTERED
    assert pledged.statuses() == dict.fromkeys(("王某", "李某", "李小某"), RelativeStatus.ENTERED)
    assert (pledged.pending(), len(pledged.woken)) == (3, 1)
    pledged.review()
    assert pledged.version().state is State.REVIEWED


def test_R21_entry_before_the_signature_is_refused_and_leaves_a_line_of_the_trail(
    pledged: Office,
) -> None:
    before = pledged.version()
    refused = refusal("R21", pledged.enter)
    assert "签署意见" in refused.message_zh
    assert (pledged.version(), pledged.pending()) == (before, 0)
    assert pledged.refusals() == [("li", "enter", "refused R21")]


def test_R21_altered_content_voids_pledge_and_signature(pledged: Office) -> None:
    old = pledged.seen()
    pledged.sign()
    altered = pledged.take(sheet(form(SPOUSE, 亲属单位="某公司"), form(CHILD, "李小某", "子女")))
    assert any("作废" in notice.text for notice in altered.notices)
    assert pledged.version().state is State.DRAFT
    assert pledged.version().course.opinion is None
    refusal("R21", pledged.desk.sign, IN_CHARGE, old)
    refusal("R21", pledged.enter)
    pledged.desk.record_pledge(WORKER, pledged.seen(), SIGNED_ON)
    refusal("R21", pledged.desk.sign, IN_CHARGE, old)  # what he saw is not what is there
    pledged.sign()
    pledged.enter()
    assert pledged.pending() == 3


def test_R19_form_without_signature_waits_as_a_draft_and_says_so(office: Office) -> None:
    done = office.take(FORM)
    assert any("没有签字或没有日期" in notice.text for notice in done.notices)
    assert office.version().state is State.DRAFT
    refusal("R21", office.sign)
    refusal("R19", office.desk.record_pledge, WORKER, office.seen(), TODAY + timedelta(days=1))
    office.desk.record_pledge(WORKER, office.seen(), SIGNED_ON)
    assert office.version().state is State.PLEDGED
    assert office.version().course.pledged_on == SIGNED_ON


def test_R19_same_form_signed_later_is_pledged(office: Office) -> None:
    office.take(FORM)
    assert office.take(FORM, signed_on=SIGNED_ON).changed == 1
    assert office.version().state is State.PLEDGED


def test_R17_form_with_blanks_is_not_pledged_though_it_is_signed(office: Office) -> None:
    blank = sheet(form(SPOUSE, 报告人职级="", 亲属职务=""))
    done = office.take(blank, signed_on=SIGNED_ON)
    assert any("还缺2项（报告人的职级、第1名亲属的职务）" in n.text for n in done.notices)
    assert office.version().state is State.DRAFT
    refusal("R17", office.desk.record_pledge, WORKER, office.seen(), SIGNED_ON)
    office.take(sheet(form(SPOUSE)))  # the paper was signed already
    assert office.version().state is State.DRAFT  # but with other content
    office.desk.record_pledge(WORKER, office.seen(), SIGNED_ON)
    assert office.version().state is State.PLEDGED


def test_R15_form_with_a_refused_row_waits_until_that_row_is_mended(office: Office) -> None:
    done = office.take(sheet(form(SPOUSE), form(CHILD, "李小某", "侄子")), signed_on=SIGNED_ON)
    assert done.report.tally.refused == 1
    assert office.version().state is State.DRAFT
    refusal("R19", office.desk.record_pledge, WORKER, office.seen(), SIGNED_ON)
    office.take(
        sheet(form(CHILD, "李小某", "子女"))
    )  # the mended row alone, as the problem file has it
    version = office.version()
    assert [r.name for r in version.declaration.relatives] == ["李小某", "李某"]
    assert version.state is State.PLEDGED


def test_R15_two_spouses_are_refused_and_others_of_the_file_are_taken(office: Office) -> None:
    other = form(person(4), "赵某", 报告人身份证号码=person(900_002).idn, 报告人姓名="钱某")
    two = (form(SPOUSE), form(CHILD, "张某", "配偶"))
    done = office.take(sheet(*two, other), signed_on=SIGNED_ON)
    assert ["规则R15" in str(p) for p in done.report.problems] == [True]
    assert (done.report.tally.taken, done.report.tally.refused, done.new) == (1, 2, 1)
    assert office.versions() == []
    assert office.version("钱某").state is State.PLEDGED


@pytest.mark.parametrize(
    ("post", "unit", "signer"),
    [
        (Post.PARTY_HEAD, "", ORGAN),
        (Post.LEADING_MEMBER, "", HEAD),
        (Post.SECTION, "", IN_CHARGE),
        (Post.INSTITUTION_HEAD, "nongji", IN_CHARGE),
    ],
)
def test_R22_signer_follows_from_the_post_and_nobody_else_signs(
    office: Office, post: Post, unit: str, signer: object
) -> None:
    office.take(FORM, signed_on=SIGNED_ON, post=post, unit=unit)
    others = [one for one in (IN_CHARGE, HEAD, ORGAN) if one != signer]
    for other in others:
        refusal("R22", office.sign, by=other)
    for other in (WORKER, LEADER):
        refusal("R22", office.sign, by=other)
    assert office.version().state is State.PLEDGED
    (right,) = [one for one in (IN_CHARGE, HEAD, ORGAN) if one == signer]
    assert office.sign(by=right)[0].state is State.SIGNED


def test_R22_unit_of_a_form_that_names_one_below_is_found(office: Office) -> None:
    named = sheet(form(SPOUSE, 报告人单位="nongji之名"))
    office.take(named, signed_on=SIGNED_ON, post=Post.INSTITUTION_HEAD)
    assert office.sign()[0].state is State.SIGNED


def test_R13_R8_a_form_that_names_another_unit_is_signed_by_nobody_here(office: Office) -> None:
    office.take(sheet(form(SPOUSE, 报告人单位="jiaowei之名")), signed_on=SIGNED_ON)
    assert "jiaowei" in refusal("R13", office.sign).message_zh
    office.desk.place(WORKER, office.seen(), Placing(Post.SECTION, "nongwei"))  # seconded, say
    assert office.sign()[0].state is State.SIGNED


def test_R22_official_without_a_stated_post_is_signed_by_nobody(office: Office) -> None:
    office.take(FORM, signed_on=SIGNED_ON, post=None)
    assert "人员类别" in refusal("R22", office.sign).message_zh
    refusal("R5", office.desk.place, WORKER, office.seen(), Placing(Post.VILLAGE_CADRE))
    refusal("R13", office.desk.place, WORKER, office.seen(), Placing(Post.SECTION, "jiaowei"))
    refusal("R31", office.desk.place, LEADER, office.seen(), Placing(Post.SECTION))
    office.desk.place(WORKER, office.seen(), Placing(Post.SECTION))
    office.sign()
    refusal("R22", office.desk.place, WORKER, office.seen(), Placing(Post.LEADING_MEMBER))


def test_R24_nobody_signs_for_himself(office: Office) -> None:
    own = number(12)  # the one in charge
    office.take(sheet(form(SPOUSE, 报告人身份证号码=own.idn)), signed_on=SIGNED_ON)
    refusal("R24", office.sign)
    assert office.refusals() == [("zhou", "sign", "refused R24")]
    office.account("zhou2", number(20), Role.LEADER_IN_CHARGE)
    assert office.sign(by=who("zhou2"))[0].state is State.SIGNED


def test_R23_signers_opinion_is_bound_to_what_he_saw(pledged: Office) -> None:
    pledged.sign()
    opinion = pledged.version().course.opinion
    assert opinion is not None
    assert (opinion.account, opinion.signed_on) == ("zhou", TODAY)
    assert opinion.digest == pledged.version().course.digest


def test_R23_responsible_leader_signs_too_where_the_rules_in_force_ask_for_it(
    pledged: Office,
) -> None:
    rules = replace(packaged_rulesets().versions[-1], opinion_box=OpinionBox.RESPONSIBLE_LEADER)
    pledged.district = replace(DISTRICT, rulesets=RuleSets((rules,)))
    refusal("R23", pledged.sign)
    assert pledged.sign(by=LEADER)[0].state is State.PLEDGED
    refusal("R23", pledged.sign, by=LEADER)
    pledged.take(sheet(form(SPOUSE)), signed_on=SIGNED_ON)
    refusal("R23", pledged.sign)  # the leader signed other content
    pledged.sign(by=LEADER)
    assert pledged.sign()[0].state is State.SIGNED
    assert pledged.version().box is not None


def test_R31_one_enters_and_another_reviews(pledged: Office) -> None:
    pledged.sign()
    refusal("R31", pledged.enter, by=LEADER)
    pledged.enter()
    refusal("R31", pledged.review, by=WORKER)
    refusal("R31", pledged.review, by=IN_CHARGE)
    pledged.review()
    refusal("R31", pledged.review)


def test_R31_handing_back_has_a_reason_and_starts_again(pledged: Office) -> None:
    with pytest.raises(InvalidRequest):
        pledged.desk.hand_back(IN_CHARGE, pledged.seen(), " ")
    refusal("R22", pledged.desk.hand_back, LEADER, pledged.seen(), "单位填写有误")
    pledged.desk.hand_back(IN_CHARGE, pledged.seen(), "单位填写有误")
    version = pledged.version()
    assert (version.state, version.handed_back) == (State.DRAFT, "单位填写有误")
    again = pledged.take(FORM, signed_on=SIGNED_ON)
    assert any("与退回前相同" in notice.text for notice in again.notices)
    assert pledged.version() == version
    mended = sheet(form(SPOUSE, 报告人单位="nongwei之名"), form(CHILD, "李小某", "子女"))
    pledged.take(mended, signed_on=SIGNED_ON)
    assert (pledged.version().state, pledged.version().handed_back) == (State.PLEDGED, "")


def test_R31_leader_hands_back_what_was_entered_and_it_stays_in_the_match(pledged: Office) -> None:
    pledged.sign()
    pledged.enter()
    pledged.desk.hand_back(LEADER, pledged.seen(), "漏报一名子女")
    assert (pledged.version().state, pledged.pending()) == (State.DRAFT, 3)
    more = form(person(3), "李小小", "子女")
    rows = (form(SPOUSE), form(CHILD, "李小某", "子女"), more)
    pledged.take(sheet(*rows), signed_on=SIGNED_ON)
    assert pledged.version().number == 1
    pledged.sign()
    pledged.enter()
    assert pledged.pending() == 4


def test_R21_of_two_people_at_one_version_one_wins_and_the_other_is_told(pledged: Office) -> None:
    pledged.account("zhou2", number(20), Role.LEADER_IN_CHARGE)
    seen = pledged.seen()
    pledged.desk.sign(IN_CHARGE, seen)
    with pytest.raises(Conflict):
        pledged.desk.sign(who("zhou2"), seen)
    with pytest.raises(Conflict):
        pledged.desk.hand_back(WORKER, seen, "单位填写有误")
    assert pledged.refusals()[-1] == ("li", "hand-back", "refused VERSION_CHANGED")
    opinion = pledged.version().course.opinion
    assert opinion is not None
    assert opinion.account == "zhou"


def test_R21_two_people_at_the_same_moment_do_not_both_win(pledged: Office) -> None:
    pledged.account("zhou2", number(20), Role.LEADER_IN_CHARGE)
    seen, desk = pledged.seen(), pledged.desk

    def attempt(login: str) -> str:
        try:
            desk.sign(who(login), seen)
        except Conflict:
            return "told"
        return "won"

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(attempt, ["zhou", "zhou2"] * 4))
    assert sorted(ends) == ["told"] * 7 + ["won"]
    assert pledged.version().step == seen[0].step + 1


def test_R20_draft_made_by_mistake_is_discarded_and_what_was_reported_is_not(
    pledged: Office,
) -> None:
    wrong = "录错证件号码"
    refusal("R20", pledged.desk.discard, WORKER, pledged.seen(), wrong)
    pledged.desk.hand_back(IN_CHARGE, pledged.seen(), wrong)
    with pytest.raises(InvalidRequest):
        pledged.desk.discard(WORKER, pledged.seen(), "")
    refusal("R31", pledged.desk.discard, LEADER, pledged.seen(), wrong)
    pledged.desk.discard(WORKER, pledged.seen(), wrong)
    assert pledged.versions() == []
    pledged.take(FORM, signed_on=SIGNED_ON)
    pledged.sign()
    pledged.enter()
    pledged.desk.hand_back(LEADER, pledged.seen(), wrong)
    refusal("R20", pledged.desk.discard, WORKER, pledged.seen(), wrong)


def test_R22_many_are_signed_in_one_call_or_none(office: Office) -> None:
    names = ["王某", "钱某", "孙某"]
    rows = [
        form(person(n + 1), 报告人姓名=name, 报告人身份证号码=person(900_001 + n).idn)
        for n, name in enumerate(names)
    ]
    office.take(sheet(*rows), signed_on=SIGNED_ON)
    office.desk.place(WORKER, office.seen("孙某"), Placing(Post.LEADING_MEMBER))
    refused = refusal("R22", office.sign, *names)
    assert refused.message_zh.startswith("第3份：")
    assert office.version("王某").state is State.PLEDGED
    office.sign("王某", "钱某")
    office.sign("孙某", by=HEAD)
    assert {v.state for v in office.enter(*names)} == {State.ENTERED}
    assert office.pending() == 6
    lines = [one.subject for one in office.trail() if one.action == "enter"]
    assert lines == [office.version(name).ref.hex() for name in names]


def test_unknown_repeated_or_no_version_is_refused(pledged: Office) -> None:
    seen = pledged.seen()
    with pytest.raises(NotFound):
        pledged.desk.sign(IN_CHARGE, [replace(seen[0], ref=b"\xee" * 16)])
    for many in ([], seen * 2):
        with pytest.raises(InvalidRequest):
            pledged.desk.sign(IN_CHARGE, many)


def test_same_file_again_changes_nothing_at_any_state(pledged: Office) -> None:
    for step in (pledged.sign, pledged.enter, pledged.review):
        before = pledged.version()
        done = pledged.take(FORM, signed_on=SIGNED_ON)
        assert (done.new, done.changed, done.unchanged) == (0, 0, 1)
        assert pledged.version() == before
        step()


def test_version_comes_back_from_the_store_as_it_was(pledged: Office) -> None:
    rows = (form(SPOUSE), form(None, "李小某", "子女"))
    pledged.take(sheet(*rows), signed_on=SIGNED_ON)
    signed = pledged.sign()[0]
    assert pledged.version() == signed
    entered = pledged.enter()[0]
    back = pledged.version()
    assert entered.course.entered_by is not None
    assert back.course.entered_by is not None
    assert back.course.entered_by.person == entered.course.entered_by.person
    assert seen_of(back) == seen_of(entered)


def test_trial_without_administrators_has_nothing_to_sign(office: Office) -> None:
    open_to_all = Accounts(AccountStore(office.database), UNIT, None, lambda: NOW)
    act = ActOnVersions(office.database, open_to_all, DISTRICT, lambda: NOW)
    desk = SignOffDesk(act, Store(office.database), lambda: None)
    office.take(FORM, signed_on=SIGNED_ON)
    with pytest.raises(Refused):
        desk.sign(IN_CHARGE, office.seen())


def test_R21_plain_import_of_a_unit_with_administrators_matches_nobody(office: Office) -> None:
    done = office.import_sheet(FORM)
    assert done.new == 1
    assert (office.pending(), office.statuses()) == (0, {})
    assert any("不参加比对" in notice.text for notice in done.notices)


def test_R63_no_personal_data_in_trail_or_refusals(pledged: Office) -> None:
    with pytest.raises(RuleViolation) as caught:
        pledged.enter()
    pledged.sign()
    pledged.enter()
    said = "".join(str(vars(entry)) for entry in pledged.trail()) + caught.value.message_zh
    for secret in ("王某", "李某", SPOUSE.idn):
        assert secret not in said

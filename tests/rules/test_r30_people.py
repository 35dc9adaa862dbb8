"""Roles, exclusions, annex 4, and what an account waits for (R30 to R33, R56, R64)."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.identifiers import Identifier, Kind, Sex
from services.rules.accounts import Account, check_accounts, check_roles, check_unit_staff
from services.rules.people import (
    CONFIDENTIALITY_PLEDGE,
    ConfidentialityPledge,
    Education,
    FamilyMember,
    Filing,
    PartyOpinion,
    StaffForm,
    account_ready,
    missing_of_form,
    require_ready,
)
from services.rules.roles import (
    ADMINISTRATORS,
    DISCIPLINE,
    PERMISSIONS,
    Action,
    Role,
    may,
    require,
)
from services.rules.violation import RuleViolation
from tests.rules_samples import DAY, RULES, account, number, refusal, staff_form

PEOPLES_ROLES = sorted(set(Role) - {Role.SYSTEM})
LEADER = account(Role.RESPONSIBLE_LEADER, person=1)
WORKER = account(Role.WORKER, person=2)


# --- R30, R56, R64: who may be what -------------------------------------------------------------


def test_R30_unit_names_one_leader_and_one_worker() -> None:
    check_unit_staff("nongwei", [LEADER, WORKER], RULES)
    for staff in ([], [LEADER], [WORKER], [LEADER, WORKER, account(Role.WORKER, person=3)]):
        refusal("R30", check_unit_staff, "nongwei", staff, RULES)
    others = [account(Role.PARTY_HEAD, person=n) for n in (7, 8)]
    check_unit_staff("nongwei", [LEADER, WORKER, *others], RULES)
    elsewhere = replace(WORKER, unit="mawu")
    refusal("R30", check_unit_staff, "nongwei", [LEADER, elsewhere], RULES)


def test_R30_one_account_may_have_several_roles_that_do_not_exclude_each_other() -> None:
    head = account(Role.PARTY_HEAD, Role.RESPONSIBLE_LEADER, Role.OFFICIAL)
    check_unit_staff("nongwei", [head, WORKER], RULES)


def test_R30_discipline_work_on_any_account_counts_for_the_person() -> None:
    inspector = account(Role.OFFICIAL, person=2, discipline=True)
    refusal("R56", check_accounts, [inspector, WORKER], RULES)
    refusal("R56", check_accounts, [WORKER, inspector], RULES)


def test_R30_leader_and_worker_are_two_persons_whatever_their_logins() -> None:
    second_login = replace(WORKER, person=LEADER.person)
    refusal("R30", check_unit_staff, "nongwei", [LEADER, second_login], RULES)
    refusal("R30", check_accounts, [LEADER, replace(second_login, unit="mawu")], RULES)


def test_R30_both_come_from_outside_discipline_work() -> None:
    refusal("R56", check_accounts, [replace(WORKER, discipline=True)], RULES)
    refusal("R30", check_accounts, [replace(LEADER, discipline=True)], RULES)


def test_R30_other_reading_lets_the_leader_do_discipline_work() -> None:
    rules = replace(RULES, leader_outside_discipline=False)
    check_accounts([replace(LEADER, discipline=True)], rules)
    refusal("R56", check_accounts, [replace(WORKER, discipline=True)], rules)


@given(st.sets(st.sampled_from(PEOPLES_ROLES), min_size=1), st.booleans())
def test_R30_R56_R64_one_person_never_holds_what_excludes_each_other(
    roles: set[Role], discipline: bool
) -> None:
    business = roles - ADMINISTRATORS - {Role.OFFICIAL}
    in_discipline = discipline or bool(roles & DISCIPLINE)
    staff = roles & {Role.WORKER, Role.RESPONSIBLE_LEADER}
    wrong = (
        len(roles & ADMINISTRATORS) > 1
        or bool(roles & ADMINISTRATORS and business)
        or len(staff) == 2
        or bool(staff and in_discipline)
    )
    person = [account(role, person=3, discipline=discipline) for role in sorted(roles)]
    if wrong:
        with pytest.raises(RuleViolation, match=r"^R(30|56|64): "):
            check_accounts(person, RULES)
    else:
        check_accounts(person, RULES)


def test_R56_discipline_roles_never_enter_or_edit() -> None:
    entering = {action for action, permission in PERMISSIONS.items() if permission.enters}
    assert entering == {
        Action.IMPORT_DECLARATIONS,
        Action.CORRECT_DECLARATIONS,
        Action.IMPORT_ITEMS,
        Action.CORRECT_ITEMS,
    }
    for action in entering:
        assert not may(DISCIPLINE, action)
        assert "工作人员" in refusal("R31", require, DISCIPLINE, action).message_zh


def test_R56_discipline_role_and_worker_exclude_each_other() -> None:
    for role in DISCIPLINE:
        refusal("R56", check_roles, {role, Role.WORKER}, discipline=False, rules=RULES)


def test_R64_three_administrators_are_three_persons() -> None:
    admins = [account(role, person=n) for n, role in enumerate(sorted(ADMINISTRATORS))]
    check_accounts(admins, RULES)
    for one in admins:
        others = [replace(admin, person=one.person) for admin in admins if admin != one]
        for other in others:
            refusal("R64", check_accounts, [one, other], RULES)


def test_R64_administrators_account_has_no_other_role() -> None:
    for role in ADMINISTRATORS:
        refusal("R64", account, role, Role.OFFICIAL)
        refusal("R64", account, role, Role.WORKER)


def test_R64_no_administrator_reads_business_data() -> None:
    for action, permission in PERMISSIONS.items():
        assert permission.business == (not permission.roles & ADMINISTRATORS)
        if permission.business:
            assert not may(ADMINISTRATORS, action)
    administering = [action for action in Action if may(ADMINISTRATORS, action)]
    for role in ADMINISTRATORS:
        assert [action for action in administering if may({role}, action)]


def test_R64_each_administrators_work_is_his_alone() -> None:
    for permission in PERMISSIONS.values():
        assert not permission.roles & ADMINISTRATORS or len(permission.roles) == 1


def test_R31_every_action_has_somebody_and_nobody_is_denied_by_silence_only() -> None:
    assert set(PERMISSIONS) == set(Action)
    assert all(permission.roles for permission in PERMISSIONS.values())
    for action in Action:
        assert not may([], action)
        assert not may([Role.SYSTEM], action)


def test_R31_worker_enters_and_leader_reviews() -> None:
    for action in (Action.IMPORT_DECLARATIONS, Action.IMPORT_ITEMS):
        assert (may({Role.WORKER}, action), may({Role.RESPONSIBLE_LEADER}, action)) == (True, False)
    for action in (Action.REVIEW_DECLARATIONS, Action.REVIEW_ITEMS):
        assert (may({Role.WORKER}, action), may({Role.RESPONSIBLE_LEADER}, action)) == (False, True)


def test_R31_refusal_names_who_may() -> None:
    said = refusal("R48", require, [Role.PARTY_HEAD], Action.RECORD_OBJECTION)
    assert "由以下人员办理：工作人员、责任领导，" in said.message_zh
    assert "WORKER, RESPONSIBLE_LEADER;" in str(said)
    require([Role.WORKER], Action.RECORD_OBJECTION)


def test_R30_account_belongs_to_somebody_with_a_role() -> None:
    with pytest.raises(ValueError, match="at least one role"):
        account()
    with pytest.raises(ValueError, match="a login, a unit"):
        replace(WORKER, login="")
    with pytest.raises(ValueError, match="a login, a unit"):
        replace(WORKER, unit="")
    with pytest.raises(ValueError, match="no account"):
        account(Role.SYSTEM)
    assert "1950" not in repr(WORKER)
    assert isinstance(WORKER, Account)


# --- R32: annex 4 -------------------------------------------------------------------------------

NOTHING = Education("", "")
FIELDS: list[tuple[str, Any, list[str]]] = [
    ("name", "", ["姓名"]),
    ("sex", None, ["性别"]),
    ("born", None, ["出生年月"]),
    ("photo", b"", ["照片"]),
    ("nation", "", ["民族"]),
    ("native_place", "", ["籍贯"]),
    ("birth_place", " ", ["出生地"]),
    ("joined_party", "", ["入党时间"]),
    ("started_work", "", ["参加工作时间"]),
    ("health", "", ["健康状况"]),
    ("identifier", None, ["身份证号码"]),
    ("phone", "", ["联系电话"]),
    ("full_time", NOTHING, ["全日制教育学历学位", "全日制教育毕业院校及专业"]),
    ("in_service", NOTHING, ["在职教育学历学位", "在职教育毕业院校及专业"]),
    ("post", "", ["现任职务"]),
    ("duties", "", ["分管工作"]),
    ("is_leader", None, ["是否责任领导"]),
    ("is_worker", None, ["是否工作人员"]),
    ("resume", "", ["主要简历"]),
    ("family", (), ["家庭主要成员及社会关系"]),
]


def test_R32_complete_form_lacks_nothing() -> None:
    assert missing_of_form(staff_form()) == ()


@pytest.mark.parametrize(("field", "blank", "names"), FIELDS)
def test_R32_each_field_of_annex_4_is_asked_for(field: str, blank: Any, names: list[str]) -> None:
    gaps = [gap for gap in missing_of_form(staff_form(**{field: blank})) if gap.rule == "R32"]
    assert [gap.what_zh for gap in gaps] == names


def test_R32_every_field_is_covered() -> None:
    assert {field for field, _, _ in FIELDS} == {f.name for f in fields(StaffForm)}


def test_R32_each_column_of_the_family_table_is_asked_for() -> None:
    blank = FamilyMember("", "", None, "", "")
    whole = FamilyMember("妻子", "丁某", 0, "群众", "无")
    gaps = [gap.what_zh for gap in missing_of_form(staff_form(family=(whole, blank)))]
    assert gaps == [
        f"家庭主要成员第2行的{name}"
        for name in ("称谓", "姓名", "年龄", "政治面貌", "工作单位及职务")
    ]


def test_R32_contradiction_with_the_identity_number_is_found() -> None:
    other = Sex.FEMALE if number(5).sex is Sex.MALE else Sex.MALE
    form = staff_form(born=date(1951, 1, 1), sex=other)
    assert [gap.what_zh for gap in missing_of_form(form)] == ["出生年月", "性别"]


def test_R32_number_without_a_birth_date_contradicts_nothing() -> None:
    passport = Identifier(Kind.PASSPORT, "E12345678")
    assert missing_of_form(staff_form(identifier=passport)) == ()


def test_R32_blank_answers_are_asked_for_once() -> None:
    gaps = missing_of_form(staff_form(is_leader=None, is_worker=None))
    assert [gap.rule for gap in gaps] == ["R32", "R32"]


@pytest.mark.parametrize("both", [True, False])
def test_R30_form_is_of_a_leader_or_of_a_worker(both: bool) -> None:
    gaps = missing_of_form(staff_form(is_leader=both, is_worker=both))
    assert [gap.rule for gap in gaps] == ["R30"]


# --- R33: no account before pledge, opinion and filing ------------------------------------------

PLEDGE = ConfidentialityPledge("丙某", DAY)
OPINION = PartyOpinion(True, True, DAY)
FILING = Filing("2018-0034", DAY)


def waits(**changes: Any) -> list[str]:
    parts: dict[str, Any] = {
        "form": staff_form(),
        "pledge": PLEDGE,
        "opinion": OPINION,
        "filing": FILING,
        "on": DAY,
    }
    return [f"{gap.rule} {gap.what_zh}" for gap in account_ready(**(parts | changes))]


def test_R33_account_works_with_form_pledge_opinion_and_filing() -> None:
    assert waits() == []
    require_ready(())
    assert CONFIDENTIALITY_PLEDGE.startswith("本人承诺：严格遵守保密纪律")


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        ({"pledge": ConfidentialityPledge("", DAY)}, "R33 保密承诺书签名"),
        ({"pledge": ConfidentialityPledge("别人", DAY)}, "R33 保密承诺书签名"),
        ({"pledge": ConfidentialityPledge("丙某", None)}, "R33 保密承诺书日期"),
        ({"opinion": PartyOpinion(None, True, DAY)}, "R33 呈报单位党组织意见"),
        ({"opinion": PartyOpinion(False, True, DAY)}, "R33 呈报单位党组织意见"),
        ({"opinion": PartyOpinion(True, False, DAY)}, "R33 呈报单位党组织印章"),
        ({"opinion": PartyOpinion(True, True, None)}, "R33 呈报单位党组织意见日期"),
        ({"filing": Filing("", DAY)}, "R57 区纪委备案"),
        ({"filing": Filing("2018-0034", None)}, "R57 区纪委备案"),
        ({"form": staff_form(health="")}, "R32 健康状况"),
    ],
)
def test_R33_account_waits_for_each_of_them(change: dict[str, Any], gap: str) -> None:
    assert waits(**change) == [gap]


def test_R33_refusing_opinion_asks_for_somebody_else() -> None:
    for approves, cure in ((None, "请党组织签署"), (False, "党组织不同意，请另行指定人员")):
        opinion = PartyOpinion(approves, True, DAY)
        (gap,) = account_ready(staff_form(), PLEDGE, opinion, FILING, DAY)
        assert gap.cure_zh == cure


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        ({"pledge": ConfidentialityPledge("丙某", DAY + timedelta(days=1))}, "R33 保密承诺书日期"),
        (
            {"opinion": PartyOpinion(True, True, DAY - timedelta(days=1))},
            "R33 保密承诺书日期",
        ),
        ({"filing": Filing("2018-0034", DAY - timedelta(days=1))}, "R33 党组织意见日期"),
        ({"on": DAY - timedelta(days=1)}, "R33 区纪委备案日期"),
    ],
)
def test_R33_pledge_opinion_and_filing_follow_each_other(change: dict[str, Any], gap: str) -> None:
    assert waits(**change) == [gap]


def test_R33_refusal_lists_what_is_missing_and_shows_no_content() -> None:
    gaps = account_ready(
        staff_form(health=""), ConfidentialityPledge("", None), OPINION, FILING, DAY
    )
    said = refusal("R33", require_ready, gaps).message_zh
    for name in ("健康状况", "保密承诺书签名", "保密承诺书日期"):
        assert name in said
    assert "丙某" not in said


def test_R32_a_photo_is_attached_and_never_stated_as_none() -> None:
    (missing,) = missing_of_form(staff_form(photo=b""))
    assert "无" not in missing.cure_zh


def test_R32_photo_is_a_digest_and_reprs_are_blank() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        staff_form(photo=b"picture")
    shown = repr((staff_form(), staff_form().family, staff_form().full_time, PLEDGE))
    for secret in ("丙某", "丁某", "某校", "1950"):
        assert secret not in shown

"""What a declaration says (R14 to R19)."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.errors import InputError
from libmatch.relations import DECLARABLE, Relation, parse_relation
from services.rules.content import declaration_digest
from services.rules.declaration import (
    TRUTH_PLEDGE,
    Declaration,
    Relative,
    Reporter,
    TruthPledge,
    UnknownId,
    missing_of,
    overdue_ids,
    persons_to_match,
    require_complete,
    require_pledge,
    unknown_id,
)
from tests.rules_samples import DAY, RULES, number, refusal, relative, reporter

WHOLE = Declaration(reporter(), (relative(1), relative(2, relation=Relation.SPOUSE)))


def lacking(declaration: Declaration) -> list[tuple[str, str]]:
    return [(gap.rule, gap.what_zh) for gap in missing_of(declaration)]


def test_R14_self_spouse_and_the_relatives_of_both_can_be_declared() -> None:
    everybody = tuple(
        relative(n, relation=relation, remark="由本人赡养")
        for n, relation in enumerate(DECLARABLE, 1)
    )
    declaration = Declaration(reporter(), everybody)
    assert missing_of(declaration) == ()
    assert len(persons_to_match(declaration, RULES)) == 17


def test_R15_sixteen_relations_and_no_other() -> None:
    assert len(DECLARABLE) == 16
    for word in ("侄子", "表哥", "前妻", "朋友"):
        with pytest.raises(InputError, match="R15"):
            parse_relation(word)


def test_R15_other_relatives_need_a_remark() -> None:
    other = relative(1, relation=Relation.OTHER)
    assert lacking(Declaration(reporter(), (other,))) == [("R15", "第1名亲属的备注")]


def test_R15_one_spouse_only() -> None:
    spouses = tuple(relative(n, relation=Relation.SPOUSE) for n in (1, 2))
    refusal("R15", Declaration, reporter(), spouses)


def test_R16_official_is_matched_without_being_listed() -> None:
    assert persons_to_match(WHOLE, RULES)[0] == (number(0), Relation.SELF)
    other_reading = replace(RULES, match_officials_themselves=False)
    assert number(0) not in dict(persons_to_match(WHOLE, other_reading))
    refusal("R16", relative, 1, relation=Relation.SELF)


BLANKS: list[tuple[str, Any, str]] = [
    ("name", " ", "姓名"),
    ("sex", None, "性别"),
    ("political", "", "政治面貌"),
    ("unit", "", "单位"),
    ("post", "", "职务"),
    ("rank", "", "职级"),
    ("work", "\n", "具体工作"),
    ("discipline", None, "是否纪检干部"),
    ("household", "", "户籍地址"),
    ("phone", "", "手机号码"),
]


@pytest.mark.parametrize(("field", "blank", "name"), BLANKS)
def test_R17_each_field_of_the_reporter_is_asked_for(field: str, blank: Any, name: str) -> None:
    gaps = lacking(Declaration(reporter(**{field: blank}), ()))
    assert gaps == [("R17", f"报告人的{name}")]


def test_R17_covers_every_field_of_annex_2() -> None:
    assert {field for field, _, _ in BLANKS} | {"identifier"} == {f.name for f in fields(Reporter)}
    assert missing_of(Declaration(reporter(discipline=False), ())) == ()


@pytest.mark.parametrize(
    ("field", "blank", "name"),
    [
        ("sex", None, "性别"),
        ("political", "", "政治面貌"),
        ("unit", "", "单位"),
        ("post", "", "职务"),
        ("phone", "", "手机号码"),
        ("household", " ", "户籍地址"),
    ],
)
def test_R18_each_field_of_a_relative_is_asked_for(field: str, blank: Any, name: str) -> None:
    relatives = (relative(1), relative(2, **{field: blank}))
    assert lacking(Declaration(reporter(), relatives)) == [("R18", f"第2名亲属的{name}")]


def test_R18_refusal_lists_all_gaps_and_shows_no_content() -> None:
    declaration = Declaration(reporter(work=""), (relative(1, household=""),))
    said = refusal("R17", require_complete, declaration).message_zh
    assert "报告人的具体工作（须反映从事的全部工作）" in said
    assert "第1名亲属的户籍地址" in said
    assert reporter().name not in said
    require_complete(WHOLE)


UNKNOWN = UnknownId("在外务工，联系不上", DAY + timedelta(days=30))


def test_R18_relative_without_number_has_reason_and_due_date() -> None:
    assert unknown_id(UNKNOWN.reason, DAY, RULES) == UNKNOWN
    refusal("R18", unknown_id, " ", DAY, RULES)
    refusal("R18", relative, None)
    refusal("R18", relative, 1, unknown=UNKNOWN)


def test_R18_relative_without_number_is_never_matched() -> None:
    declaration = Declaration(reporter(), (relative(None, unknown=UNKNOWN),))
    assert persons_to_match(declaration, RULES) == ((number(0), Relation.SELF),)
    assert missing_of(declaration) == ()


def test_R18_number_is_overdue_on_the_day_after_its_due_date() -> None:
    declaration = Declaration(reporter(), (relative(1), relative(None, unknown=UNKNOWN)))
    assert overdue_ids(declaration, UNKNOWN.due_on) == ()
    assert overdue_ids(declaration, UNKNOWN.due_on + timedelta(days=1)) == (1,)


def test_R18_nobody_is_listed_twice_or_as_his_own_relative() -> None:
    refusal("R18", Declaration, reporter(), (relative(1), relative(1, name="别名")))
    refusal("R18", Declaration, reporter(), (relative(0),))
    refusal("R18", relative, 1, name=" ")


def test_R18_two_relatives_of_one_name_without_numbers_are_two_persons() -> None:
    twins = (relative(None, unknown=UNKNOWN), relative(None, unknown=UNKNOWN))
    assert len(Declaration(reporter(), twins).relatives) == 2


def test_R19_pledge_has_the_words_of_annex_2() -> None:
    assert TRUTH_PLEDGE.startswith("本人承诺：对亲属情况进行如实报告。")


@pytest.mark.parametrize(
    "pledge",
    [
        TruthPledge("", DAY),
        TruthPledge("  ", DAY),
        TruthPledge("甲某", None),
        TruthPledge("乙某", DAY),
        TruthPledge("甲某", DAY + timedelta(days=1)),
    ],
)
def test_R19_unsigned_undated_or_anothers_pledge_does_not_move_on(pledge: TruthPledge) -> None:
    refusal("R19", require_pledge, pledge, reporter(), DAY)


def test_R19_signed_and_dated_pledge_is_taken() -> None:
    assert require_pledge(TruthPledge("甲 某", DAY), reporter(), DAY) == DAY


def test_R19_nothing_personal_is_in_a_repr() -> None:
    shown = repr((WHOLE, WHOLE.reporter, WHOLE.relatives, TruthPledge("甲某", DAY)))
    for secret in ("甲某", "乙某", "某镇", "1950"):
        assert secret not in shown


# --- the digest of the content ------------------------------------------------------------------


def altered(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, Relation):
        return Relation.PARENT
    if isinstance(value, str):
        return value + "改"
    return number(77)


@pytest.mark.parametrize("field", [f.name for f in fields(Reporter) if f.name != "sex"])
def test_R21_digest_covers_every_field_of_the_reporter(field: str) -> None:
    other = replace(WHOLE.reporter, **{field: altered(getattr(WHOLE.reporter, field))})
    assert declaration_digest(replace(WHOLE, reporter=other)) != declaration_digest(WHOLE)


@pytest.mark.parametrize(
    "field", [f.name for f in fields(Relative) if f.name not in ("sex", "unknown")]
)
def test_R21_digest_covers_every_field_of_a_relative(field: str) -> None:
    first, second = WHOLE.relatives
    other = replace(first, **{field: altered(getattr(first, field))})
    assert declaration_digest(replace(WHOLE, relatives=(other, second))) != declaration_digest(
        WHOLE
    )


def test_R21_digest_covers_sex_order_and_the_reason_for_a_missing_number() -> None:
    first, second = WHOLE.relatives
    unknown = relative(None, unknown=UNKNOWN)
    later = relative(None, unknown=UnknownId(UNKNOWN.reason, date(2019, 1, 1)))
    variants = [
        WHOLE,
        replace(WHOLE, reporter=reporter(sex=None)),
        replace(WHOLE, relatives=(replace(first, sex=None), second)),
        replace(WHOLE, relatives=(second, first)),
        replace(WHOLE, relatives=(first, unknown)),
        replace(WHOLE, relatives=(first, later)),
        replace(WHOLE, relatives=()),
        replace(WHOLE, reporter=reporter(discipline=None)),
    ]
    digests = {declaration_digest(variant) for variant in variants}
    assert len(digests) == len(variants)
    assert {len(digest) for digest in digests} == {32}


@given(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_R21_text_cannot_move_between_fields_unseen(a: str, b: str, c: str, d: str) -> None:
    one = Declaration(reporter(unit=a, post=b), ())
    other = Declaration(reporter(unit=c, post=d), ())
    same = declaration_digest(one) == declaration_digest(other)
    assert same == ((a, b) == (c, d))

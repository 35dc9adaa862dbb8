"""The content of a version: as JSON and back, and what a file adds to what was declared before."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libmatch.relations import DECLARABLE, Relation
from services.registry.declaration_records import Declaration as ReadDeclaration
from services.registry.signoff.changes import changes_zh
from services.registry.signoff.content import (
    declaration_to_json,
    json_to_declaration,
    to_enter,
)
from services.registry.signoff.told import told_declaration
from services.rules.content import declaration_digest
from services.rules.declaration import Declaration, Relative, TruthPledge, UnknownId
from tests.rules_samples import RULES, number, refusal, relative, reporter

DAY = date(2026, 6, 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
RELATIONS = [relation for relation in DECLARABLE if relation is not Relation.SPOUSE]
PLEDGE = TruthPledge("甲某", DAY)


@st.composite
def relatives(draw: st.DrawFn) -> tuple[Relative, ...]:
    people = draw(st.lists(st.integers(1, 2999), unique=True, max_size=4))
    found = []
    for person in people:
        unknown = draw(st.booleans())
        reason = draw(TEXTS.filter(str.strip))
        found.append(
            relative(
                None if unknown else person,
                name=f"乙某{person}",
                relation=draw(st.sampled_from(RELATIONS)),
                unknown=UnknownId(reason, DAY) if unknown else None,
                remark=reason if unknown else draw(TEXTS),
                unit=draw(TEXTS),
            )
        )
    return tuple(found)


@st.composite
def declarations(draw: st.DrawFn) -> Declaration:
    texts = {name: draw(TEXTS) for name in ("political", "unit", "post", "work")}
    discipline = draw(st.sampled_from([None, True, False]))
    own = reporter(**texts, discipline=discipline, sex=draw(st.sampled_from([None, number(0).sex])))
    return Declaration(own, draw(relatives()))


def read_again(declaration: Declaration) -> ReadDeclaration:
    """The declaration as a sheet says it."""
    return to_enter(declaration, PLEDGE)


@settings(max_examples=40)
@given(declarations())
def test_content_comes_back_from_its_text_and_the_text_is_canonical(content: Declaration) -> None:
    text = declaration_to_json(content)
    back = json_to_declaration(text)
    assert back == content
    assert declaration_to_json(back) == text
    assert declaration_digest(back) == declaration_digest(content)


@settings(max_examples=40)
@given(declarations())
def test_R20_same_form_told_again_is_the_same_content(content: Declaration) -> None:
    again = told_declaration(read_again(content), content, date(2027, 1, 1), RULES)
    assert declaration_digest(again) == declaration_digest(content)
    assert changes_zh(content, again) == ()


@settings(max_examples=40)
@given(declarations(), relatives())
def test_R14_form_says_all_relatives_anew(before: Declaration, now: tuple[Relative, ...]) -> None:
    told = read_again(Declaration(before.reporter, now))
    after = told_declaration(told, before, DAY, RULES)
    assert [r.name for r in after.relatives] == [r.name for r in now]
    kept = told_declaration(told, before, DAY, RULES, keep_rest=True)
    assert {r.name for r in kept.relatives} >= {r.name for r in (*before.relatives, *now)}


def test_R18_number_that_became_known_ends_its_reason() -> None:
    unknown = relative(None, name="乙某", unknown=UnknownId("在外地", DAY), remark="在外地")
    before = Declaration(reporter(), (unknown,))
    told = read_again(Declaration(reporter(), (relative(3, name="乙某"),)))
    (after,) = told_declaration(told, before, DAY, RULES).relatives
    assert (after.identifier, after.unknown, after.remark) == (number(3), None, "")
    back = read_again(before)
    (again,) = told_declaration(back, Declaration(reporter(), (after,)), DAY, RULES).relatives
    assert again.identifier == number(3)  # a blank does not take it away


def test_R15_relatives_that_exclude_each_other_are_refused() -> None:
    spouse = relative(1, relation=Relation.SPOUSE)
    before = Declaration(reporter(), (spouse,))
    other = read_again(Declaration(reporter(), (relative(2, relation=Relation.SPOUSE),)))
    assert len(told_declaration(other, before, DAY, RULES).relatives) == 1
    refusal("R15", told_declaration, other, before, DAY, RULES, keep_rest=True)


@pytest.mark.parametrize(
    ("after", "line"),
    [
        (Declaration(reporter(), ()), "不再申报：乙某1（本人的兄弟姐妹）"),
        (Declaration(reporter(), (relative(1), relative(2))), "新增亲属：乙某2（本人的兄弟姐妹）"),
        (Declaration(reporter(post="主任"), (relative(1),)), "报告人：职务有变化"),
        (
            Declaration(reporter(), (relative(1, unit="某公司"),)),
            "亲属乙某1（本人的兄弟姐妹）：单位有变化",
        ),
    ],
)
def test_R20_signer_reads_what_differs(after: Declaration, line: str) -> None:
    assert changes_zh(Declaration(reporter(), (relative(1),)), after) == (line,)
    assert changes_zh(None, after) == ()

"""Proposed and actual beneficiaries of one item (R61)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.catalogue import Capacity
from services.rules.reconcile import Difference, Share, post_due_on, reconcile
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

shares = st.builds(
    Share[int],
    st.integers(0, 9),
    st.sampled_from(Capacity),
    st.none() | st.integers(0, 10**6),
)
lists = st.lists(shares, max_size=8, unique_by=lambda share: share.person)
actual_lists = st.lists(shares, min_size=1, max_size=8, unique_by=lambda share: share.person)

A = Share("a", Capacity.BENEFICIARY, 100)
B = Share("b", Capacity.BENEFICIARY, 200)
LEGAL = Share("c", Capacity.LEGAL_REPRESENTATIVE)


def test_R61_who_was_added_is_reported() -> None:
    found = reconcile([A], [A, B])
    assert [one.person for one in found.to_report] == ["b"]
    assert found.of(Difference.ADDED) == found.findings


def test_R61_who_is_missing_and_what_changed_shows() -> None:
    agent = replace(LEGAL, capacity=Capacity.AGENT)
    found = reconcile([A, B, LEGAL], [replace(A, amount_fen=150), agent])
    assert [(one.difference, one.person) for one in found.findings] == [
        (Difference.AMOUNT, "a"),
        (Difference.CAPACITY, "c"),
        (Difference.MISSING, "b"),
    ]
    assert found.to_report == ()
    amount = found.of(Difference.AMOUNT)[0]
    assert (amount.before, amount.after) == (A, replace(A, amount_fen=150))


def test_R61_without_a_proposed_list_everybody_is_reported() -> None:
    found = reconcile(None, [A, B])
    assert [one.person for one in found.to_report] == ["a", "b"]
    assert {one.difference for one in found.findings} == {Difference.NO_PRE_LIST}


def test_R61_an_actual_list_names_somebody() -> None:
    with pytest.raises(RuleViolation) as caught:
        reconcile([A], [])
    assert caught.value.rule == "R61"
    assert "撤回" in caught.value.message_zh


@pytest.mark.parametrize(("pre", "post", "phase"), [([A, A], [A], "事前"), ([A], [A, A], "事后")])
def test_R61_a_person_is_in_a_list_once(
    pre: list[Share[str]], post: list[Share[str]], phase: str
) -> None:
    with pytest.raises(RuleViolation) as caught:
        reconcile(pre, post)
    assert phase in caught.value.message_zh


@given(actual_lists)
def test_R61_a_list_agrees_with_itself_in_any_order(post: list[Share[int]]) -> None:
    assert reconcile(post[::-1], post).findings == ()


@given(lists, actual_lists)
def test_R61_exactly_the_persons_without_a_proposal_are_reported(
    pre: list[Share[int]], post: list[Share[int]]
) -> None:
    found = reconcile(pre, post)
    proposed = {share.person for share in pre}
    actual = {share.person for share in post}
    assert {one.person for one in found.to_report} == actual - proposed
    assert {one.person for one in found.of(Difference.MISSING)} == proposed - actual
    before = {share.person: share for share in pre}
    changed = {s.person for s in post if s.person in before and s != before[s.person]}
    kinds = (Difference.AMOUNT, Difference.CAPACITY)
    assert {one.person for kind in kinds for one in found.of(kind)} == changed


def test_R61_the_actual_list_is_due_some_days_after_the_item() -> None:
    assert post_due_on(date(2018, 10, 1), RuleSet()) == date(2018, 10, 31)
    assert post_due_on(date(2018, 10, 1), RuleSet(post_required=False)) is None

"""Changes within 30 days, versions, matching again, yearly confirmation (R20)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.relations import Relation
from services.rules.declaration import Declaration, Relative, UnknownId, persons_to_match
from services.rules.differences import compare, matched_again
from services.rules.versions import (
    ChangeKind,
    History,
    confirm,
    confirmation_due,
    first_due,
    first_version,
    report_change,
    report_due,
)
from tests.rules_samples import DAY, RULES, number, refusal, relative, reporter

FIRST = Declaration(reporter(), (relative(1), relative(2)))
MARRIED = replace(FIRST, relatives=(*FIRST.relatives, relative(3, relation=Relation.SPOUSE)))
HISTORY = first_version(FIRST, date(2018, 8, 20), DAY)
EVENT = date(2019, 3, 1)


def changed(
    reported_on: date, kind: ChangeKind = ChangeKind.RELATIVES, event_on: date = EVENT
) -> History:
    return report_change(HISTORY, MARRIED, kind, event_on, reported_on, RULES)


def test_R20_change_reported_on_the_thirtieth_day_is_in_time() -> None:
    assert report_due(EVENT, RULES) == date(2019, 3, 31)
    assert not changed(date(2019, 3, 31)).current.late


def test_R20_change_reported_on_the_thirty_first_day_is_taken_and_flagged() -> None:
    assert changed(date(2019, 4, 1)).current.late
    assert changed(date(2019, 4, 1), ChangeKind.POST).current.late


def test_R20_change_may_be_reported_on_its_own_day_and_on_the_day_of_the_last_report() -> None:
    same_day = changed(DAY, event_on=DAY)
    assert (same_day.current.effective_from, same_day.current.reported_on) == (DAY, DAY)


def test_R20_correction_is_not_late() -> None:
    assert not changed(date(2020, 1, 1), ChangeKind.CORRECTION).current.late


def test_R20_first_report_is_due_with_the_campaign_or_thirty_days_in_the_post() -> None:
    campaign = date(2018, 8, 20)
    assert first_due(date(2010, 1, 1), campaign, RULES) == campaign
    assert first_due(date(2018, 8, 10), campaign, RULES) == date(2018, 9, 9)
    assert not first_version(FIRST, campaign, campaign).current.late
    assert first_version(FIRST, campaign, campaign + timedelta(days=1)).current.late


def test_R20_versions_are_kept_with_effective_dates() -> None:
    history = changed(date(2019, 5, 1))
    assert [v.number for v in history.versions] == [1, 2]
    assert history.versions[0] == HISTORY.current
    before, after = history.on(EVENT - timedelta(days=1)), history.on(EVENT)
    assert before is not None
    assert after is not None
    assert (before.number, after.number) == (1, 2)
    assert history.on(DAY - timedelta(days=1)) is None


def test_R20_what_was_known_on_a_day_can_be_asked() -> None:
    history = changed(date(2019, 5, 1))
    for known_on, number_of_version in ((date(2019, 4, 30), 1), (date(2019, 5, 1), 2)):
        then = history.on(EVENT, known_on=known_on)
        assert then is not None
        assert then.number == number_of_version


def test_R20_unchanged_or_impossible_report_is_refused() -> None:
    refusal("R20", report_change, HISTORY, FIRST, ChangeKind.POST, EVENT, EVENT, RULES)
    refusal("R20", changed, EVENT - timedelta(days=1))
    refusal("R20", changed, DAY - timedelta(days=1), event_on=date(2018, 1, 1))
    with pytest.raises(ValueError, match="begins a history"):
        changed(EVENT, ChangeKind.FIRST)


# --- differences --------------------------------------------------------------------------------


def test_R20_comings_goings_and_changes_are_told_apart() -> None:
    moved = replace(FIRST.relatives[0], household="别镇别村", unit="某厂")
    after = Declaration(reporter(post="副局长"), (moved, relative(3)))
    found = compare(FIRST, after)
    assert found.added == (relative(3),)
    assert found.removed == (relative(2),)
    assert [(c.before, c.after, c.fields_zh) for c in found.changed] == [
        (FIRST.relatives[0], moved, ("单位", "户籍地址"))
    ]
    assert found.reporter == ("职务",)


def test_R20_any_single_difference_is_one() -> None:
    assert not compare(FIRST, replace(FIRST))
    assert compare(FIRST, replace(FIRST, reporter=reporter(phone="新的")))
    moved = (replace(FIRST.relatives[0], household="别镇"), FIRST.relatives[1])
    assert compare(FIRST, replace(FIRST, relatives=moved))
    assert compare(FIRST, replace(FIRST, relatives=FIRST.relatives[:1]))
    assert compare(FIRST, MARRIED)


def test_R20_number_that_became_known_is_a_change_of_one_person() -> None:
    unknown = relative(None, name="戊某", unknown=UnknownId("不详", DAY))
    known = relative(4, name="戊某")
    found = compare(Declaration(reporter(), (unknown,)), Declaration(reporter(), (known,)))
    assert (found.added, found.removed) == ((), ())
    assert "证件号码" in found.changed[0].fields_zh
    again = matched_again(Declaration(reporter(), (unknown,)), Declaration(reporter(), (known,)))
    assert (again.submit, again.withdraw, again.official) == ((known,), (), False)


def test_R20_mistyped_number_is_submitted_anew_and_the_old_one_withdrawn() -> None:
    wrong, right = relative(4, name="戊某"), relative(5, name="戊某")
    again = matched_again(Declaration(reporter(), (wrong,)), Declaration(reporter(), (right,)))
    assert (again.submit, again.withdraw) == ((right,), (wrong,))


def test_R20_change_of_an_address_is_not_matched_again() -> None:
    moved = replace(FIRST.relatives[0], household="别镇", phone="有", remark="迁居")
    again = matched_again(FIRST, replace(FIRST, relatives=(moved, FIRST.relatives[1])))
    assert (again.submit, again.withdraw, again.official) == ((), (), False)


@pytest.mark.parametrize("field", ["name", "unit", "post"])
def test_R20_new_post_of_the_official_is_sealed_into_every_record_anew(field: str) -> None:
    after = replace(FIRST, reporter=reporter(**{field: "新的"}))
    again = matched_again(FIRST, after)
    assert (again.submit, again.withdraw, again.official) == (
        FIRST.relatives,
        FIRST.relatives,
        True,
    )
    assert not matched_again(FIRST, replace(FIRST, reporter=reporter(phone="新的"))).official


RELATIVES = st.lists(
    st.builds(
        lambda person, name, relation: relative(person, name=name, relation=relation),
        st.integers(1, 8),
        st.sampled_from("甲乙丙丁"),
        st.sampled_from([Relation.CHILD, Relation.SIBLING]),
    ),
    max_size=6,
    unique_by=lambda r: r.identifier,
).map(tuple)


@given(RELATIVES, RELATIVES)
def test_R20_matching_again_leads_from_the_old_records_to_the_new(
    before: tuple[Relative, ...], after: tuple[Relative, ...]
) -> None:
    old, new = Declaration(reporter(), before), Declaration(reporter(), after)
    again = matched_again(old, new)
    records = [sealed(r) for r in before]
    for record in again.submit:
        records.append(sealed(record))
    for record in again.withdraw:
        records.remove(sealed(record))
    assert sorted(records) == sorted(sealed(r) for r in after)
    assert bool(compare(old, new)) == (set(before) != set(after))
    assert len(persons_to_match(new, RULES)) == len(records) + 1


def sealed(record: Relative) -> tuple[str, str, str]:
    assert record.identifier is not None
    return record.identifier.idn, record.name, record.relation


# --- yearly confirmation ------------------------------------------------------------------------


def test_R20_confirmation_is_due_a_year_after_the_last_word() -> None:
    assert confirmation_due(HISTORY, RULES) == DAY + timedelta(days=365)
    confirmed, found = confirm(HISTORY, date(2019, 6, 1), RULES)
    assert found is None
    assert confirmed.versions == HISTORY.versions
    assert confirmation_due(confirmed, RULES) == date(2020, 5, 31)


def test_R20_confirmation_asks_only_for_differences() -> None:
    same, found = confirm(HISTORY, EVENT, RULES, proposed=FIRST)
    assert (found, len(same.versions)) == (None, 1)
    history, found = confirm(
        HISTORY,
        date(2019, 6, 1),
        RULES,
        proposed=MARRIED,
        kind=ChangeKind.RELATIVES,
        event_on=EVENT,
    )
    assert found is not None
    assert [r.identifier for r in found.added] == [number(3)]
    assert (history.current.number, history.current.late) == (2, True)
    assert history.confirmed_on == (date(2019, 6, 1),)


def test_R20_difference_without_a_day_and_confirmation_before_the_report_are_refused() -> None:
    refusal("R20", confirm, HISTORY, EVENT, RULES, proposed=MARRIED)
    refusal("R20", confirm, HISTORY, EVENT, RULES, proposed=MARRIED, kind=ChangeKind.RELATIVES)
    refusal("R20", confirm, HISTORY, EVENT, RULES, proposed=MARRIED, event_on=EVENT)
    assert confirm(HISTORY, DAY, RULES)[0].confirmed_on == (DAY,)
    refusal("R20", confirm, HISTORY, DAY - timedelta(days=1), RULES)


def test_R20_history_is_numbered_from_one() -> None:
    with pytest.raises(ValueError, match="numbered from 1"):
        History((replace(HISTORY.current, number=2),))
    with pytest.raises(ValueError, match="first version"):
        History(())

"""Readings of ambiguous phrases as versions that stay (R62), and how a rule says no."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest

from libmatch.errors import InputError
from services.rules.data_file import packaged_text
from services.rules.ruleset import RuleSet, RuleSets, load_rulesets, packaged_rulesets
from services.rules.violation import RuleDataError, RuleViolation
from tests.rules_samples import refusal

SHIPPED = packaged_text("ruleset.toml")
SECOND = replace(RuleSet(), version="2020-1", effective_from=date(2020, 5, 1), publication_days=10)


def test_R62_shipped_rule_set_is_the_reading_of_the_rules_list() -> None:
    assert packaged_rulesets().versions == (RuleSet(),)


def test_R62_every_ambiguous_rule_has_a_reading() -> None:
    # The rules marked as ambiguous in the list of rules.
    ambiguous = {3, 6, 10, 11, 16, 22, 23, 29, 30, 35, 45, 47, 48, 51, 52, 61}
    assert {f"R{n}" for n in ambiguous} <= {reading.rule for reading in RuleSet().readings()}


def test_R62_readings_are_all_fields_in_order_with_chinese_words() -> None:
    readings = RuleSet().readings()
    names = {f.name for f in fields(RuleSet)} - {"version", "effective_from"}
    assert {reading.name for reading in readings} == names
    numbers = [int(reading.rule[1:]) for reading in readings]
    assert numbers == sorted(numbers)
    assert all(re.search("[一-鿿]", reading.meaning_zh) for reading in readings)


def test_R62_version_in_force_is_the_last_that_began() -> None:
    sets = RuleSets((RuleSet(), SECOND))
    assert sets.on(date(2020, 4, 30)) == RuleSet()
    assert sets.on(date(2020, 5, 1)) == SECOND
    refusal("R62", sets.on, date(2017, 12, 31))


def test_R62_matter_keeps_its_version_after_a_later_one_began() -> None:
    sets = RuleSets((RuleSet(), SECOND))
    assert sets.get("2018-14").publication_days == 7
    refusal("R62", sets.get, "2019-3")


def test_R62_versions_have_names_and_days_of_their_own() -> None:
    for other in (
        replace(SECOND, version="2018-14"),
        replace(SECOND, effective_from=date(2018, 1, 1)),
    ):
        with pytest.raises(ValueError, match="in order"):
            RuleSets((RuleSet(), other))
    with pytest.raises(ValueError, match="in order"):
        RuleSets((SECOND, RuleSet()))
    with pytest.raises(ValueError, match="in order"):
        RuleSets(())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("publication_days", 6),
        ("unit_check_percent", 29),
        ("unit_check_percent", 101),
        ("district_check_percent", 9),
        ("change_report_days", 31),
        ("mask_below_age", 13),
        ("verification_days", 0),
        ("certificate_days", 2018_09),
        ("version", ""),
        ("version", "x" * 65),
        ("version", "a\nb"),
    ],
)
def test_R62_no_version_is_looser_than_the_notice(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        replace(RuleSet(), **{name: value})


def test_R61_at_least_one_checkpoint_is_required() -> None:
    assert not replace(RuleSet(), pre_required=False).pre_required
    assert not replace(RuleSet(), post_required=False).post_required
    with pytest.raises(ValueError, match="R61"):
        replace(RuleSet(), pre_required=False, post_required=False)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("publication_days = 7", "publication_days = '7'", "'publication_days' is a whole number"),
        ("publication_days = 7", "publication_days = true", "'publication_days' is a whole number"),
        ("publication_days = 7", "publication_days = 5", "publication_days is 7 to 365"),
        ("publication_days = 7", "publication_day = 7", "unknown key 'publication_day'"),
        ("publication_days = 7", "", "'publication_days' is missing"),
        ("pre_required = true", "pre_required = 1", "'pre_required' is true or false"),
        ('"principal"', '"first"', "'stationed_hosts' is one of: principal"),
        ("items_from = 2018-01-01", "items_from = '2018'", "'items_from' is a date"),
    ],
)
def test_R62_faults_of_the_data_file_name_version_and_key(old: str, new: str, said: str) -> None:
    assert old in SHIPPED
    with pytest.raises(RuleDataError) as caught:
        load_rulesets(SHIPPED.replace(old, new))
    assert "ruleset 2018-14" in str(caught.value)
    assert said in str(caught.value)
    assert re.search("[一-鿿]", caught.value.message_zh)


def test_R62_second_version_in_the_file_follows_the_first() -> None:
    later = SHIPPED.replace('"2018-14"', '"2019-2"').replace(
        "effective_from = 2018-01-01", "effective_from = 2019-07-01"
    )
    assert [rules.version for rules in load_rulesets(SHIPPED + later).versions] == [
        "2018-14",
        "2019-2",
    ]
    with pytest.raises(RuleDataError, match="in order"):
        load_rulesets(later + SHIPPED)


def test_R62_settings_without_a_day_of_their_own_follow_the_default_type() -> None:
    assert isinstance(RuleSet().unfinished_at, date)


# --- how a rule says no -------------------------------------------------------------------------


def test_refusal_carries_its_rule_in_both_languages() -> None:
    violation = RuleViolation("R24", "sign with another", "请由他人签署")
    assert isinstance(violation, InputError)
    assert violation.rule == "R24"
    assert str(violation) == "R24: sign with another"
    assert violation.message_zh == "请由他人签署（规则R24）"


@pytest.mark.parametrize("rule", ["R0", "R66", "24", "R024", "R24 ", "r24", ""])
def test_refusal_of_no_rule_of_the_list_is_a_mistake_of_the_program(rule: str) -> None:
    with pytest.raises(ValueError, match="R1 to R65"):
        RuleViolation(rule, "", "")


def test_every_rule_of_the_list_can_refuse() -> None:
    assert [RuleViolation(f"R{n}", "", "").rule for n in range(1, 66)]

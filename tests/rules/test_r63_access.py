"""Looks at people: who, when and why (R63)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.rules.access import AccessEntry, keep_until, looks_at, looks_by, require_reason
from tests.rules_samples import RULES, number, refusal

AT = datetime(2018, 7, 2, 1, 0, tzinfo=UTC)


def look(**fields: Any) -> AccessEntry:
    values: dict[str, Any] = {
        "at": AT,
        "actor": "login-1",
        "unit": "nongwei",
        "action": "查看报告表",
        "subject": "official/7f3a",
        "reason": "核查比中事项",
    }
    return AccessEntry(**(values | fields))


@pytest.mark.parametrize("field", ["actor", "unit", "action", "subject", "reason"])
def test_R63_look_without_who_what_or_why_is_refused(field: str) -> None:
    refusal("R63", look, **{field: " "})


def test_R63_look_has_a_moment_with_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        look(at=datetime(2018, 7, 2))  # noqa: DTZ001 (what is refused)


@pytest.mark.parametrize(
    "subject", [number(1).idn, number(1).idn[:17] + "x", "500102500101001", "13800138000", "甲某"]
)
def test_R63_record_is_named_by_reference_not_by_personal_data(subject: str) -> None:
    assert subject not in refusal("R63", look, subject=subject).message_zh


@pytest.mark.parametrize(
    "reason", ["看看", "", "x" * 201, f"核查{number(1).idn}", "电话13800138000"]
)
def test_R63_reason_says_something_and_holds_no_personal_data(reason: str) -> None:
    said = refusal("R63", require_reason, reason)
    assert number(1).idn not in said.message_zh + str(said)
    assert require_reason(" 核查需要 ") == "核查需要"


def test_R63_who_looked_at_a_person_is_answered_oldest_first() -> None:
    later = look(at=AT + timedelta(hours=1), actor="login-2")
    other = look(subject="official/0000")
    assert looks_at([later, other, look()], ["official/7f3a"]) == (look(), later)
    assert looks_at([other], []) == ()


def test_R63_what_somebody_looked_at_is_answered_by_days_in_china() -> None:
    # 16:30 UTC is half past midnight of the next day in China
    night = look(at=datetime(2018, 7, 2, 16, 30, tzinfo=UTC))
    entries = [night, look(actor="login-2"), look()]
    assert looks_by(entries, "login-1", date(2018, 7, 2), date(2018, 7, 2)) == (look(),)
    assert looks_by(entries, "login-1", date(2018, 7, 3), date(2018, 7, 3)) == (night,)


def test_R63_entries_are_kept_three_years() -> None:
    assert keep_until(look(), RULES) == date(2021, 7, 2)

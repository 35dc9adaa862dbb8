"""Looks at a person: who, when, and why (R63).

What an entry must say, and what is asked of the entries. Keeping them so that no change goes unseen
is the audit trail's work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from libmatch.china_time import china_day, require_aware
from services.rules.ruleset import RuleSet
from services.rules.shape_guard import find_shape
from services.rules.violation import RuleViolation

_REFERENCE = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_NUMBER = re.compile(r"\d{11}|\d{15}|\d{17}[\dXx]")  # phone, identity numbers
_REASON_CHARACTERS = range(4, 201)  # 「核查需要」 is the shortest that says anything


@dataclass(frozen=True)
class AccessEntry:
    """One look (R63): ``actor`` of ``unit`` did ``action`` to ``subject`` at ``at``, for ``reason``.

    ``subject``: an opaque reference of the record, never a name or a number. ``at`` has a zone.
    RuleViolation R63 where who, what or why is missing, or holds personal data.
    """

    at: datetime
    actor: str
    unit: str
    action: str
    subject: str
    reason: str

    def __post_init__(self) -> None:
        require_aware(self.at)
        if not (self.actor.strip() and self.unit.strip() and self.action.strip()):
            raise RuleViolation(
                "R63",
                "a look names who did what; sign in with your own account",
                "查询须记录查询人、单位和事由类别，请使用本人账号办理",
            )
        if not _REFERENCE.fullmatch(self.subject) or _NUMBER.fullmatch(self.subject):
            raise RuleViolation(
                "R63",
                "a look names the record by its reference, not by personal data",
                "查询记录中只能写记录编号，不得写姓名或证件号码",
            )
        require_reason(self.reason)


def require_reason(reason: str) -> str:
    """The reason of a look without surrounding white space (R63). RuleViolation where it says none."""
    text = reason.strip()
    if len(text) not in _REASON_CHARACTERS:
        raise RuleViolation(
            "R63",
            "every look at a person has a reason of 4 to 200 characters; state it",
            "查看个人信息须填写理由（4至200字），请填写",
        )
    if find_shape(text) is not None:
        raise RuleViolation(
            "R63",
            "the reason holds something shaped like personal data; leave it out",
            "查询理由中含有形似证件号码、电话等的内容，请删去",
        )
    return text


def looks_at(entries: Iterable[AccessEntry], subjects: Iterable[str]) -> tuple[AccessEntry, ...]:
    """All looks at these records, oldest first: what a person may ask about himself (R63, R65)."""
    wanted = frozenset(subjects)
    return _in_order(entry for entry in entries if entry.subject in wanted)


def looks_by(
    entries: Iterable[AccessEntry], actor: str, since: date, until: date
) -> tuple[AccessEntry, ...]:
    """All looks of one person from the first to the last day, in China, oldest first (R63)."""
    return _in_order(
        entry for entry in entries if entry.actor == actor and since <= china_day(entry.at) <= until
    )


def keep_until(entry: AccessEntry, rules: RuleSet) -> date:
    """The last day on which the entry must still be there (R63)."""
    return china_day(entry.at) + timedelta(days=rules.access_log_days)


def _in_order(entries: Iterable[AccessEntry]) -> tuple[AccessEntry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.at))

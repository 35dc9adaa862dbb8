"""The one way in which a rule says no: its number, and what would be right, in two languages."""

from __future__ import annotations

import re

from libmatch.errors import InputError

_RULE = re.compile(r"R(?:[1-9]|[1-5][0-9]|6[0-5])")


class RuleViolation(InputError):
    """A step that ``rule`` (``"R24"``) forbids.

    ``message`` (English) and ``message_zh`` say what is wrong and what would be right; both are
    shown with the rule's number. Neither holds personal data. ValueError for a rule outside R1 to R65.
    """

    def __init__(self, rule: str, message: str, message_zh: str) -> None:
        if not _RULE.fullmatch(rule):
            raise ValueError("a rule is R1 to R65")
        super().__init__(f"{rule}: {message}", f"{message_zh}（规则{rule}）")
        self.rule = rule


class RuleDataError(InputError):
    """A data file of rules, units or deadlines that must not be used; says which entry and why."""

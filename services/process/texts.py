"""What people write about a matter or a check, in their own words: no numbers of persons in it (R63)."""

from __future__ import annotations

from services.chassis.observe import scrub_text
from services.chassis.refusals import InvalidRequest


def refuse_numbers(text: str, what_zh: str) -> None:
    """Nothing, where ``text`` holds nothing shaped like a number of a person. Raises InvalidRequest."""
    if scrub_text(text) != text:
        raise InvalidRequest(
            "the text holds what looks like an identity, phone or card number",
            f"“{what_zh}”中不要写证件号码、电话号码或账号（规则R63）。",
        )

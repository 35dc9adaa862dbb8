"""What a form still lacks, for the person who must fill it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Missing:
    """Something that a person or a form still lacks: by which rule, what, and what to do about it.

    Names fields and row numbers, never what stands in them.
    """

    rule: str
    what_zh: str
    cure_zh: str


def is_blank(value: object) -> bool:
    """Whether a field holds nothing: None, white space, or nothing in a list. False is an answer."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value in ((), b"")

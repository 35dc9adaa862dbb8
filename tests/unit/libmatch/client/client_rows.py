"""Rows that a unit gives its client, and the names of the unit and of the matcher."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from libmatch.clearances import ClearanceStatus
from libmatch.client import ItemRow, RelativeRow
from libmatch.records import Side
from libmatch.tokens import derive_token
from tests.district import District, person
from tests.matcher_in_memory import MemoryMatcher

MATCHER = "spiffe://fuling/matcher"
UNIT = "minzheng"  # submits on both sides in these tests
CLEAR, HOLD = ClearanceStatus.CLEAR, ClearanceStatus.HOLD
HIT = bytes(range(32))


def item(ref: str = "X-1", number: int = 1, **more: Any) -> ItemRow:
    row = ItemRow(ref, person(number).idn, "甲某", programme="改厕补助", amount_fen=120000)
    return replace(row, **more)


def relative(number: int = 1, ref: str = "D-1") -> RelativeRow:
    official = person(900).idn
    return RelativeRow(ref, person(number).idn, "甲某", "配偶", official, "乙某", "某局", "科长")


def rid_of(matcher: MemoryMatcher, side: Side) -> bytes:
    return next(rid for (_, rid), each in matcher.live.items() if each is side)


def token_of(district: District, number: int) -> bytes:
    who = person(number)
    return derive_token(district.suite, district.holder(UNIT).key, int(who.kind), who.idn)

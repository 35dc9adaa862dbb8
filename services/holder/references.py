"""Opaque references: what trails, lists and commands call an official, a relative or an item by."""

from __future__ import annotations

import secrets

from services.chassis.refusals import InvalidRequest

REF_SIZE = 16


def new_ref() -> bytes:
    """An unused opaque reference: 16 random bytes whose hex has a letter (never shaped like a number)."""
    while True:
        ref = secrets.token_bytes(REF_SIZE)
        if not ref.hex().isdecimal():
            return ref


def check_ref(ref: bytes) -> bytes:
    """``ref`` itself. Raises InvalidRequest unless it has 16 bytes."""
    if len(ref) != REF_SIZE:
        raise InvalidRequest("a reference has 16 bytes", "引用编号不正确。")
    return ref

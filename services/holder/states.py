"""How far records and messages have come. Values only, for every layer."""

from __future__ import annotations

from enum import StrEnum


class RecordState(StrEnum):
    """How far a record has come."""

    ENTERED = "entered"  # to be sealed
    HELD = "held"  # not to be sealed: this epoch does not take its kind of identifier
    SEALED = "sealed"  # in the outbox
    ACCEPTED = "accepted"  # the matcher has it
    WITHDRAWING = "withdrawing"  # its withdrawal is in the outbox
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"  # its epoch has ended


class MessageKind(StrEnum):
    """What an entry of the outbox is."""

    BATCH = "batch"
    WITHDRAWAL = "withdrawal"


class MessageState(StrEnum):
    """How far an entry of the outbox has come."""

    WAITING = "waiting"
    STOPPED = "stopped"  # the matcher refused it; nothing behind it is sent
    ACCEPTED = "accepted"

"""What is known of a matter (涉权事项): a hit with its item, and what people did about it (R35–R48).

Values only; how they may change is ``matter``. Nothing here judges: a hit says that somebody's relative has a
part in an item, and a person verifies whether that is in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from libmatch.china_time import require_aware
from libmatch.encoding import enc, exactly, u64
from services.rules.publication import Place, Posting, PublicationClock, Suspension
from services.rules.roles import Role
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

MATTER_ID_SIZE = 16
SIGNATURE_SIZE = 64
_REASON_CHARACTERS = (2, 500)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class State(StrEnum):
    """How far a matter has come. Values are the words that people see, and none of them accuses."""

    NOTIFIED = "待核查"
    VERIFYING = "核查中"
    DISPUTED = "比对结果待确认"
    COMPLIANT = "核查合规，待公示"
    NOT_COMPLIANT = "核查不合规，待处理"
    MEASURED = "已处理并移送"
    PUBLISHING = "公示中"
    OBJECTED = "公示异议核查中"
    PUBLISHED = "公示期满"
    WITHDRAWN = "已撤回"


class Verdict(StrEnum):
    """What the approver found (R39)."""

    COMPLIANT = "合规"
    NOT_COMPLIANT = "不合规"


class MeasureKind(StrEnum):
    """What is done about an item that is not compliant (R41)."""

    CANCELLED = "取消"
    STOPPED = "停发"
    OTHER = "其他"


class Recipient(StrEnum):
    """Whom a hit is copied to (R36)."""

    UNIT = "党员干部所在单位"
    OFFICIAL = "党员干部本人"


@dataclass(frozen=True)
class Actor:
    """Who does something: a login of a unit, in one of its roles. ``name`` is the person's."""

    login: str
    name: str
    unit: str
    role: Role


@dataclass(frozen=True)
class Outcome:
    """A signed outcome (R40): kept for ever, and followed by another one where it was wrong.

    ``verified_by`` and ``signed_by`` are logins of two persons (R31). ``signature``: the unit's
    Ed25519 signature, 64 bytes, under ``message``.
    """

    verdict: Verdict
    grounds: str
    verified_by: str
    signed_by: str
    signed_at: datetime
    signature: bytes
    replaces_because: str = ""

    def __post_init__(self) -> None:
        require_aware(self.signed_at)
        if len(self.signature) != SIGNATURE_SIZE:
            raise RuleViolation(
                "R40",
                "an outcome is signed; sign it with the unit's key",
                "核查结果没有签名，请由责任领导签署后提交",
            )
        require_reason(self.grounds, "R40", "核查依据和结论")

    def message(self, matter_id: bytes) -> bytes:
        """What is signed: the canonical encoding of the outcome of that matter (16 bytes)."""
        texts = (self.verdict, self.grounds, self.verified_by, self.signed_by)
        return outcome_message(matter_id, self.signed_at, (*texts, self.replaces_because))

    def verify(self, matter_id: bytes, holds: Callable[[bytes, bytes], bool]) -> None:
        """Nothing, if the unit signed it; RuleViolation R40 otherwise.

        ``holds(message, signature)`` checks under the unit's public key.
        """
        if not holds(self.message(matter_id), self.signature):
            raise RuleViolation(
                "R40",
                "the outcome is not what the unit signed; sign it again",
                "核查结果与签名不符（内容在签署后有改动），请重新签署",
            )


def outcome_message(matter_id: bytes, signed_at: datetime, texts: Iterable[str]) -> bytes:
    """The bytes under an outcome's signature: matter, time in microseconds, and its five texts."""
    at_us = u64((signed_at - _EPOCH) // timedelta(microseconds=1))
    exactly(matter_id, MATTER_ID_SIZE, "a matter id")
    return enc("outcome", matter_id, at_us, *(text.encode() for text in texts))


@dataclass(frozen=True)
class Measure:
    """What was done about an item that is not compliant, all three parts of R41.

    The measure with its day, what the beneficiary was told with its day, and the lead with its day:
    ``lead_to`` is the discipline organ's name, ``lead_reference`` its file.
    """

    kind: MeasureKind
    detail: str
    decided_on: date
    told: str
    told_on: date
    lead_to: str
    lead_reference: str
    lead_on: date

    def __post_init__(self) -> None:
        if self.kind is MeasureKind.OTHER:
            require_reason(self.detail, "R41", "其他处理的内容")
        require_reason(self.told, "R41", "告知受益人的理由")
        require_reason(self.lead_to, "R41", "接收问题线索的纪检监察组织")
        require_reason(self.lead_reference, "R41", "移送文号")

    @property
    def days(self) -> tuple[date, date, date]:
        """When it was decided, told and handed over."""
        return self.decided_on, self.told_on, self.lead_on


@dataclass(frozen=True)
class Objection:
    """An objection to a publication (R48). ``reference``: the unit's file; who objects is not kept.

    ``upheld`` None while it is looked into.
    """

    reference: str
    received_at: datetime
    closed_at: datetime | None = None
    upheld: bool | None = None

    def __post_init__(self) -> None:
        require_reason(self.reference, "R48", "异议登记号")
        if (self.closed_at is None) != (self.upheld is None):
            raise ValueError("an objection that is closed was upheld or not")

    @property
    def suspension(self) -> Suspension:
        """The time for which it stops the publication's clocks."""
        return Suspension(self.received_at, self.closed_at)


@dataclass(frozen=True)
class Receipt:
    """That a hit reached the official's unit, or the official in person (R36)."""

    recipient: Recipient
    unit: str
    at: datetime
    reference: str


@dataclass(frozen=True, repr=False)
class Matter:
    """One matter: an official, a person, an item and a capacity. ``matter_id`` has 16 bytes.

    ``official_unit`` posts for the official's place, ``village_unit`` for the village; ``copied_to``
    are further units that hold the declaration (R10, R11). ``notified_at``: when this round of
    verification began. ``rules_version``: the rules that it keeps (R62). ``version`` counts changes.
    ``void_postings``: so many of ``postings`` rest on an outcome that was superseded (R40).
    """

    matter_id: bytes
    rules_version: str
    approving_unit: str
    official_unit: str
    village_unit: str
    official_name: str
    notified_at: datetime
    copied_to: tuple[str, ...] = ()
    state: State = State.NOTIFIED
    taken_by: str = ""
    outcomes: tuple[Outcome, ...] = ()
    measures: tuple[Measure, ...] = ()
    postings: tuple[Posting, ...] = ()
    objections: tuple[Objection, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    changed_at: datetime | None = None
    version: int = 0
    void_postings: int = 0

    def __post_init__(self) -> None:
        exactly(self.matter_id, MATTER_ID_SIZE, "a matter id")
        require_aware(self.notified_at)

    @property
    def outcome(self) -> Outcome | None:
        """The outcome that holds: the last one of this round."""
        last = self.outcomes[-1] if self.outcomes else None
        return last if last is not None and last.signed_at >= self.notified_at else None

    @property
    def declaring_units(self) -> tuple[str, ...]:
        """The units that hold the official's declaration, the one that posts first."""
        return (self.official_unit, *self.copied_to)

    def poster_of(self, place: Place) -> str:
        """The unit that posts in that place (R43)."""
        return self.official_unit if place is Place.OFFICIAL_UNIT else self.village_unit

    def posting(self, place: Place) -> Posting | None:
        """The latest posting there that rests on the outcome in force, even if taken down (R40)."""
        found = [one for one in self.postings[self.void_postings :] if one.place is place]
        return found[-1] if found else None

    def clocks(self, rules: RuleSet) -> Mapping[Place, PublicationClock]:
        """The clock of each place that was posted, by its latest posting (R45)."""
        stops = tuple(objection.suspension for objection in self.objections)
        latest = {place: self.posting(place) for place in Place}
        return {p: PublicationClock(one, stops, rules) for p, one in latest.items() if one}

    def is_published_to_the_end(self, now: datetime, rules: RuleSet) -> bool:
        """Whether the outcome is compliant and the seven days are over in both places (R43, R45)."""
        outcome, clocks = self.outcome, self.clocks(rules)
        return (
            self.state in (State.PUBLISHING, State.PUBLISHED)
            and outcome is not None
            and outcome.verdict is Verdict.COMPLIANT
            and all(place in clocks and clocks[place].is_complete(now) for place in Place)
        )

    @property
    def missing_receipts(self) -> tuple[tuple[Recipient, str], ...]:
        """Who has not got a copy yet: each declaring unit, and the official by any of them (R36)."""
        got = {(receipt.recipient, receipt.unit) for receipt in self.receipts}
        units = [
            (Recipient.UNIT, unit)
            for unit in self.declaring_units
            if (Recipient.UNIT, unit) not in got
        ]
        told = any(recipient is Recipient.OFFICIAL for recipient, _ in got)
        return (*units, *(() if told else ((Recipient.OFFICIAL, self.official_unit),)))

    def __repr__(self) -> str:
        return f"<Matter {self.matter_id.hex()} {self.state.name}>"


def require_reason(text: str, rule: str, what_zh: str) -> None:
    """Nothing, if the text says something; RuleViolation of that rule naming the field otherwise."""
    least, most = _REASON_CHARACTERS
    if not least <= len(text.strip()) <= most:
        raise RuleViolation(
            rule,
            f"a text of {least} to {most} characters is needed",
            f"“{what_zh}”须填写（{least}至{most}字）",
        )

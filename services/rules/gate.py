"""The gate before an approval: 「凡未经比对、核查、公示的，不得审批或实施」 (R47, R61).

``decide`` answers CLEAR only when everything that it needs is known, in time and right; whatever is
unknown, late or stale is HOLD, with reasons that name no person: whoever asks may know that a
verification is open, not whose relative it concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from libmatch.china_time import require_aware
from libmatch.clearances import ClearanceStatus
from libmatch.encoding import enc, exactly, u64
from services.rules.matter_facts import Matter, State
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

LIST_DIGEST_SIZE = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Hold(StrEnum):
    """Why an approval must wait. Names are stable codes, values are what the caller is told."""

    NO_PERSONS = "该事项没有录入受益人，请先录入拟受益人名单"
    NO_PRE_LIST = "该事项没有事前名单：审批前须先录入拟受益人名单并经签署"
    UNSIGNED = "受益人名单未经党组织负责人签署意见，请先签署"
    ALTERED = "受益人名单在签署后有改动，请重新签署"
    NOT_SUBMITTED = "有受益人尚未报送比对，请先报送"
    NOT_MATCHED = "比对尚未完成，请稍后再查询"
    STALE = "比对结果已经过期，请重新查询"
    LATER_DECLARATION = "比对之后又有新的亲属关系申报，请重新查询"
    UNDELIVERED = "比对结果正在办理，尚未全部送达，请稍后再查询"
    UNEXPLAINED = "比对结果不明，请与区纪委联系"
    TO_CONFIRM = "有比对结果待区纪委确认"
    TO_VERIFY = "有比对结果尚未核查完毕"
    NOT_COMPLIANT = "有事项经核查不合规，不得审批"
    TO_PUBLISH = "有事项核查合规，尚未在两处公示期满"
    PUBLISHING = "有事项公示期未满"
    OBJECTED = "有事项的公示异议正在核查"


_HOLD_OF_STATE = {
    State.NOTIFIED: Hold.TO_VERIFY,
    State.VERIFYING: Hold.TO_VERIFY,
    State.DISPUTED: Hold.TO_CONFIRM,
    State.COMPLIANT: Hold.TO_PUBLISH,
    State.NOT_COMPLIANT: Hold.NOT_COMPLIANT,
    State.MEASURED: Hold.NOT_COMPLIANT,
    State.PUBLISHING: Hold.PUBLISHING,
    State.OBJECTED: Hold.OBJECTED,
    State.PUBLISHED: Hold.PUBLISHING,  # not to the end at that moment, whatever the state says
}


@dataclass(frozen=True, repr=False)
class RecordFacts:
    """What is known of one person of the item: one record.

    ``accepted``: its batch's receipt was verified. ``answer``: the matcher's last one, given at
    ``answered_at`` when its log had ``log_size`` leaves; None: none. ``answer_expires_at``: until
    when the matcher stands by it, None: not said. ``undelivered_hits``: live hits of which the unit
    has no notice yet; None: nobody told. ``matters``: those that it has.
    """

    accepted: bool
    answer: ClearanceStatus | None
    answered_at: datetime | None
    log_size: int
    undelivered_hits: int | None
    matters: tuple[Matter, ...] = ()
    answer_expires_at: datetime | None = None

    def __post_init__(self) -> None:
        for moment in (self.answered_at, self.answer_expires_at):
            if moment is not None:
                require_aware(moment)
        if self.log_size < 0 or (self.undelivered_hits or 0) < 0:
            raise ValueError("sizes and counts are not negative")

    @property
    def live_matters(self) -> tuple[Matter, ...]:
        """The matters of hits that hold."""
        return tuple(matter for matter in self.matters if matter.state is not State.WITHDRAWN)

    def expires_at(self, rules: RuleSet) -> datetime | None:
        """Until when the answer may be relied on; None without an answer."""
        if self.answered_at is None:
            return None
        lapses = self.answered_at + timedelta(days=rules.certificate_days)
        return min(lapses, self.answer_expires_at or lapses)


@dataclass(frozen=True, repr=False)
class ItemFacts:
    """What is known of one item.

    ``has_pre_list``: the proposed beneficiaries are on a list (R61). ``signed_digest``: of the list
    that the head of the party organisation signed, None: nobody signed; ``list_digest``: of the list
    as it is now (R25); 32 bytes each. ``declared_size``: the size of the log behind the latest
    declaration that was accepted, anywhere in the district.
    """

    item_ref: str
    has_pre_list: bool
    signed_digest: bytes | None
    list_digest: bytes
    records: tuple[RecordFacts, ...]
    declared_size: int

    def __post_init__(self) -> None:
        exactly(self.list_digest, LIST_DIGEST_SIZE, "the digest of a list")
        if self.signed_digest is not None:
            exactly(self.signed_digest, LIST_DIGEST_SIZE, "the digest of a list")


@dataclass(frozen=True)
class Certificate:
    """That an item was matched and nothing was found, as of a size of the log (R47).

    It holds until ``expires_at`` for the list with that digest, and is void once a declaration was
    accepted behind ``log_size``.
    """

    item_ref: str
    list_digest: bytes
    issued_at: datetime
    expires_at: datetime
    log_size: int
    rules_version: str

    def encode(self) -> bytes:
        """The canonical encoding, for the unit to sign."""
        times = (u64(_microseconds(self.issued_at)), u64(_microseconds(self.expires_at)))
        texts = (self.item_ref.encode(), self.rules_version.encode())
        return enc("certificate", *texts, self.list_digest, *times, u64(self.log_size))

    def require_valid(self, list_digest: bytes, declared_size: int, now: datetime) -> None:
        """Nothing, while it holds for that list; RuleViolation R25 or R47 saying what to do."""
        if list_digest != self.list_digest:
            raise RuleViolation(
                "R25",
                "the list is not the one that was matched; have it signed and matched again",
                "受益人名单与比对时的不同，请重新签署并比对",
            )
        if declared_size > self.log_size:
            raise RuleViolation(
                "R47",
                "a later declaration voids the certificate; ask the gate again",
                "比对之后又有新的亲属关系申报，无比中证明失效，请重新查询",
            )
        if not self.issued_at <= require_aware(now) < self.expires_at:
            raise RuleViolation(
                "R47",
                "the certificate has expired or is not valid yet; ask the gate again",
                "无比中证明不在有效期内，请重新查询",
            )


@dataclass(frozen=True)
class Decision:
    """The gate's answer for one item: CLEAR when ``holds`` is empty, HOLD otherwise.

    ``expires_at`` is set with CLEAR; ``certificate`` too, but only where there is no hit: an item with
    hits is asked about anew at each approval.
    """

    item_ref: str
    decided_at: datetime
    holds: tuple[Hold, ...]
    expires_at: datetime | None = None
    certificate: Certificate | None = None

    @property
    def is_clear(self) -> bool:
        """Whether the approval may go on."""
        return not self.holds

    def require_clear(self) -> None:
        """Nothing, if it is CLEAR; RuleViolation R47 with all reasons otherwise."""
        if self.holds:
            raise RuleViolation(
                "R47",
                "the approval must wait: " + ", ".join(hold.name for hold in self.holds),
                "暂不得审批：" + "；".join(self.holds),
            )


def decide(
    facts: ItemFacts, now: datetime, rules: RuleSet, rules_of: Callable[[str], RuleSet]
) -> Decision:
    """CLEAR only when the signed list is matched, in time, and every hit is verified compliant and
    published to the end in both places (R47, R61); HOLD with all reasons otherwise.

    ``rules_of``: the rules of a version, for the matters, each of which keeps its own (R62). Their
    publication is judged by their clocks at ``now``, not by their state alone.
    """
    require_aware(now)
    found = {*_list_holds(facts, rules)}
    for record in facts.records:
        found.update(_record_holds(record, facts.declared_size, now, rules))
        found.update(_matter_holds(record, now, rules_of))
    holds = tuple(hold for hold in Hold if hold in found)
    return Decision(facts.item_ref, now, holds) if holds else _clear(facts, now, rules)


def _clear(facts: ItemFacts, now: datetime, rules: RuleSet) -> Decision:
    ends = [record.expires_at(rules) for record in facts.records]
    expires_at = min(end for end in ends if end is not None)  # fresh ones all have an end
    if any(record.live_matters for record in facts.records):
        return Decision(facts.item_ref, now, (), expires_at)
    size = min(record.log_size for record in facts.records)
    terms = (facts.list_digest, now, expires_at, size, rules.version)
    return Decision(facts.item_ref, now, (), expires_at, Certificate(facts.item_ref, *terms))


def _list_holds(facts: ItemFacts, rules: RuleSet) -> Iterator[Hold]:
    if not facts.records:
        yield Hold.NO_PERSONS
    if rules.pre_required and not facts.has_pre_list:
        yield Hold.NO_PRE_LIST
    if facts.signed_digest is None:
        yield Hold.UNSIGNED
    elif facts.signed_digest != facts.list_digest:
        yield Hold.ALTERED


def _record_holds(
    record: RecordFacts, declared_size: int, now: datetime, rules: RuleSet
) -> Iterator[Hold]:
    if not record.accepted or record.answer is ClearanceStatus.NOT_SUBMITTED:
        yield Hold.NOT_SUBMITTED
    elif record.answer not in (ClearanceStatus.CLEAR, ClearanceStatus.HOLD):
        yield Hold.NOT_MATCHED
    elif not _is_fresh(record, now, rules):
        yield Hold.STALE
    if record.log_size < declared_size:
        yield Hold.LATER_DECLARATION
    if record.undelivered_hits != 0:
        yield Hold.UNDELIVERED
    elif record.answer is ClearanceStatus.HOLD and not record.live_matters:
        yield Hold.UNEXPLAINED


def _matter_holds(
    record: RecordFacts, now: datetime, rules_of: Callable[[str], RuleSet]
) -> Iterator[Hold]:
    for matter in record.live_matters:
        if not matter.is_published_to_the_end(now, rules_of(matter.rules_version)):
            yield _HOLD_OF_STATE[matter.state]


def _is_fresh(record: RecordFacts, now: datetime, rules: RuleSet) -> bool:
    """Whether the answer is neither missing, nor of the future, nor too old to rely on."""
    answered_at, expires_at = record.answered_at, record.expires_at(rules)
    return answered_at is not None and expires_at is not None and answered_at <= now < expires_at


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)

"""The clients of a unit's rights of persons and of its trail. Every call raises ServiceError."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import grpc

from libmatch.stubs.rights.v1 import rights_pb2 as pb
from libmatch.stubs.rights.v1 import rights_pb2_grpc


@dataclass(frozen=True, repr=False)
class HeldMatterLine:
    """A notice about a record; ``state`` in Chinese."""

    received_at_us: int
    item: str
    state: str


@dataclass(frozen=True, repr=False)
class HeldRecordLine:
    """A record about the person; texts in Chinese, days as ISO dates or ""."""

    reference: str
    category: str
    capacity: str
    purpose: str
    status: str
    fields: tuple[tuple[str, str], ...]
    matters: tuple[HeldMatterLine, ...]
    entered_at_us: int
    purge_on: str
    correction: str


@dataclass(frozen=True, repr=False)
class HeldAnswer:
    """Everything that a service holds about a person. ``due``: ISO date of the answer's last day."""

    unit: str
    due: str
    records: tuple[HeldRecordLine, ...]


@dataclass(frozen=True)
class LookLine:
    """A look at the person's records."""

    at_us: int
    who: str
    action: str
    reason: str
    outcome: str
    whole_list: bool


@dataclass(frozen=True)
class DueLine:
    """How much of a kind is due to be erased, and why."""

    what: str
    count: int
    ground: str


@dataclass(frozen=True)
class PurgeReport:
    """What a run erased and left; ``traces_left``: copies in database files that were in use."""

    purged: int
    left: int
    traces_left: bool


@dataclass(frozen=True)
class TrailLine:
    """An entry of the trail."""

    seq: int
    at_us: int
    actor: str
    action: str
    subject: str
    reason: str
    outcome: str


class RightsClient:
    """``libmatch.rights.v1.Rights``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = rights_pb2_grpc.RightsStub(channel)

    def list_held(self, identifier: str, reason: str, received_on: str = "") -> HeldAnswer:
        """Everything about the person with that number."""
        request = pb.ListHeldRequest(identifier=identifier, reason=reason, received_on=received_on)
        answer = self._stub.ListHeld(request)
        return HeldAnswer(answer.unit, answer.answer_due, tuple(map(_pb_to_held, answer.records)))

    def list_looks(self, identifier: str, reason: str) -> tuple[list[LookLine], bool]:
        """The looks at the person's records, oldest first; whether there are still older ones."""
        answer = self._stub.ListLooks(pb.ListLooksRequest(identifier=identifier, reason=reason))
        looks = [
            LookLine(
                *(look.at_us, look.who, look.action_zh, look.reason, look.outcome, look.whole_list)
            )
            for look in answer.looks
        ]
        return looks, answer.more


class RetentionClient:
    """``libmatch.rights.v1.Retention``, of a unit's service or of 纪委's."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = rights_pb2_grpc.RetentionStub(channel)

    def count_due(self) -> tuple[list[DueLine], int]:
        """What is due by kind, and the total."""
        answer = self._stub.CountDue(pb.CountDueRequest())
        return [DueLine(one.what, one.count, one.ground) for one in answer.due], answer.total

    def purge(self, total: int, reason: str) -> PurgeReport:
        """Erases what is due, if it is still ``total``."""
        done = self._stub.Purge(pb.PurgeRequest(total=total, reason=reason))
        return PurgeReport(done.purged, done.left, done.traces_left)


class TrailClient:
    """``libmatch.rights.v1.Trail``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = rights_pb2_grpc.TrailStub(channel)

    def head(self) -> tuple[int, bytes]:
        """(number of entries, last digest) of the present end."""
        answer = self._stub.GetHead(pb.GetHeadRequest())
        return answer.seq, answer.digest

    def read(
        self,
        *,
        after: int = 0,
        subject: str = "",
        login: str = "",
        action: str = "",
        refused: bool = False,
    ) -> Iterator[TrailLine]:
        """The entries behind ``after`` up to the end as it is now, in order, page by page."""
        end, _ = self.head()
        while after < end:
            request = pb.ReadTrailRequest(
                after=after, subject=subject, login=login, action=action, refused=refused
            )
            answer = self._stub.ReadTrail(request)
            yield from (_pb_to_line(entry) for entry in answer.entries if entry.seq <= end)
            after = answer.next_after or end


def _pb_to_held(record: pb.HeldRecord) -> HeldRecordLine:
    return HeldRecordLine(
        record.reference,
        record.category,
        record.capacity,
        record.purpose,
        record.status,
        tuple((field.name, field.value) for field in record.fields),
        tuple(HeldMatterLine(m.received_at_us, m.item, m.state) for m in record.matters),
        record.entered_at_us,
        record.purge_on,
        record.correction,
    )


def _pb_to_line(entry: pb.TrailEntry) -> TrailLine:
    return TrailLine(
        entry.seq,
        entry.at_us,
        entry.actor,
        entry.action,
        entry.subject,
        entry.reason,
        entry.outcome,
    )

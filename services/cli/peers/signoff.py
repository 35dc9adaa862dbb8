"""The client of a registry's sign-off of declarations. Raises ServiceError."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.signoff.v1 import signoff_pb2 as pb
from libmatch.stubs.signoff.v1 import signoff_pb2_grpc
from services.cli.peers import (
    ImportReport,
    Progress,
    RegistryClient,
    SyncReport,
    file_chunks,
    pb_to_report,
)

_LONG_S = 290.0  # many versions may be entered in one call; services end calls after 300 s


@dataclass(frozen=True)
class SeenLine:
    """A version as it was seen: 16 bytes, 32 bytes, and how many steps it had."""

    ref: bytes
    digest: bytes
    step: int


@dataclass(frozen=True)
class VersionLine:
    """How far a version has come; enums by their names in the protobuf. Days as ISO dates or ""."""

    seen: SeenLine
    official: str
    post_text: str
    number: int
    change: str
    state: str
    next: str
    signer: str
    mine: bool
    post: str
    lacks: str
    handed_back: str
    effective_from: str
    due_on: str
    reported_on: str
    late: bool
    relatives: int
    unknown_ids: int
    overdue_ids: int


@dataclass(frozen=True)
class ShownDeclaration:
    """A version with its content: the fields of annex 2 by their protobuf names."""

    line: VersionLine
    reporter: Mapping[str, Any]
    relatives: Sequence[Mapping[str, Any]]
    changes: tuple[str, ...]
    signer: str
    signed_on: str


@dataclass(frozen=True)
class DueLine:
    """Something that is due; ``kind`` by its name in the protobuf, ``days_late`` negative in time."""

    seen: SeenLine
    kind: str
    official: str
    due_on: str
    days_late: int


@dataclass(frozen=True)
class StageChoices:
    """What a clerk says of a whole file; enums by their names in the protobuf, "" for nothing."""

    change: str = ""
    event_on: str = ""
    began_on: str = ""
    signed_on: str = ""
    post: str = ""
    unit: str = ""


class SignOffClient:
    """``libmatch.signoff.v1.SignOff``. Steps give the versions as they then are."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = signoff_pb2_grpc.SignOffStub(channel)

    def stage_sheet(
        self, name: str, data: bytes, choices: StageChoices, progress: Progress
    ) -> ImportReport:
        """What the service took of the file."""
        chunks = file_chunks(name, data, progress)
        requests = _stage_requests(chunks, _choices_to_pb(choices))
        return pb_to_report(self._stub.StageSheet(requests, timeout=_LONG_S).report)

    def list_versions(
        self, reason: str, states: Iterable[str] = (), *, mine: bool = False
    ) -> list[VersionLine]:
        """Versions in these states, by their names in the protobuf; in any where none are named."""
        request = pb.ListVersionsRequest(
            states=map(pb.VersionState.Value, states), mine=mine, reason=reason
        )
        return [_pb_to_line(one) for one in self._stub.ListVersions(request).versions]

    def show(self, ref: bytes, reason: str) -> ShownDeclaration:
        """One version with all of its content."""
        shown = self._stub.GetVersion(pb.GetVersionRequest(ref=ref, reason=reason))
        return ShownDeclaration(
            _pb_to_line(shown.version),
            _message_to_values(shown.reporter),
            [_message_to_values(relative) for relative in shown.relatives],
            tuple(shown.changes),
            shown.signer,
            shown.signed_on,
        )

    def place(self, seen: Sequence[SeenLine], post: str, unit: str = "") -> list[SeenLine]:
        """States which posts these officials have."""
        kind = pb.PostKind.Value(post)
        request = pb.PlaceRequest(versions=map(_seen_to_pb, seen), post=kind, unit=unit)
        return _pb_to_seen(self._stub.Place(request, timeout=_LONG_S))

    def record_pledge(self, seen: Sequence[SeenLine], signed_on: str) -> list[SeenLine]:
        """Records the signatures below the pledge, of an ISO date."""
        request = pb.RecordPledgeRequest(versions=map(_seen_to_pb, seen), signed_on=signed_on)
        return _pb_to_seen(self._stub.RecordPledge(request, timeout=_LONG_S))

    def sign(self, seen: Sequence[SeenLine]) -> list[SeenLine]:
        """Signs the opinion on what was seen."""
        request = pb.SignRequest(versions=map(_seen_to_pb, seen))
        return _pb_to_seen(self._stub.Sign(request, timeout=_LONG_S))

    def enter(self, seen: Sequence[SeenLine]) -> list[SeenLine]:
        """Enters what is signed."""
        request = pb.EnterRequest(versions=map(_seen_to_pb, seen))
        return _pb_to_seen(self._stub.Enter(request, timeout=_LONG_S))

    def review(self, seen: Sequence[SeenLine]) -> list[SeenLine]:
        """Reviews what was entered."""
        request = pb.ReviewRequest(versions=map(_seen_to_pb, seen))
        return _pb_to_seen(self._stub.Review(request, timeout=_LONG_S))

    def hand_back(self, seen: Sequence[SeenLine], reason: str) -> list[SeenLine]:
        """Gives them back to be mended."""
        request = pb.HandBackRequest(versions=map(_seen_to_pb, seen), reason=reason)
        return _pb_to_seen(self._stub.HandBack(request, timeout=_LONG_S))

    def discard(self, seen: Sequence[SeenLine], reason: str) -> int:
        """The number of drafts that were removed."""
        request = pb.DiscardRequest(versions=map(_seen_to_pb, seen), reason=reason)
        return self._stub.Discard(request, timeout=_LONG_S).discarded

    def confirm(self, seen: Sequence[SeenLine], confirmed_on: str) -> list[SeenLine]:
        """Records that nothing has changed, of an ISO date."""
        request = pb.ConfirmRequest(versions=map(_seen_to_pb, seen), confirmed_on=confirmed_on)
        return _pb_to_seen(self._stub.Confirm(request, timeout=_LONG_S))

    def list_due(self, reason: str, until: str = "") -> tuple[list[DueLine], str]:
        """What is due by an ISO date (today where it is ""), and the campaign's day or ""."""
        response = self._stub.ListDue(pb.ListDueRequest(until=until, reason=reason))
        lines = [
            DueLine(
                _pb_to_one(due.seen),
                pb.DueKind.Name(due.kind),
                due.official_name,
                due.due_on,
                due.days_late,
            )
            for due in response.dues
        ]
        return lines, response.campaign_due_on


class SheetStager:
    """Imports sheets with the same choices for each; what ``import_files`` asks of a client."""

    def __init__(self, channel: grpc.Channel, choices: StageChoices) -> None:
        self._client = SignOffClient(channel)
        self._registry = RegistryClient(channel)
        self._choices = choices

    def import_sheet(self, name: str, data: bytes, progress: Progress) -> ImportReport:
        """What the service took of the file."""
        return self._client.stage_sheet(name, data, self._choices, progress)

    def sync(self) -> SyncReport:
        """What one round with the matcher, now, came to."""
        return self._registry.sync()


def _choices_to_pb(choices: StageChoices) -> pb.StageOptions:
    return pb.StageOptions(
        change=pb.ChangeKind.Value(choices.change or "CHANGE_KIND_UNSPECIFIED"),
        event_on=choices.event_on,
        began_on=choices.began_on,
        signed_on=choices.signed_on,
        post=pb.PostKind.Value(choices.post or "POST_KIND_UNSPECIFIED"),
        unit=choices.unit,
    )


def _stage_requests(
    chunks: Iterator[core_pb2.FileChunk], options: pb.StageOptions
) -> Iterator[pb.StageSheetRequest]:
    for position, chunk in enumerate(chunks):
        yield pb.StageSheetRequest(options=None if position else options, chunk=chunk)


def _seen_to_pb(seen: SeenLine) -> pb.SeenVersion:
    return pb.SeenVersion(ref=seen.ref, digest=seen.digest, step=seen.step)


def _pb_to_one(seen: pb.SeenVersion) -> SeenLine:
    return SeenLine(seen.ref, seen.digest, seen.step)


def _pb_to_seen(response: Any) -> list[SeenLine]:
    return [_pb_to_one(one) for one in response.versions]


def _pb_to_line(version: pb.Version) -> VersionLine:
    return VersionLine(
        seen=_pb_to_one(version.seen),
        official=version.official_name,
        post_text=version.post_text,
        number=version.number,
        change=pb.ChangeKind.Name(version.change),
        state=pb.VersionState.Name(version.state),
        next=pb.NextActor.Name(version.next),
        signer=version.signer,
        mine=version.mine,
        post=pb.PostKind.Name(version.post),
        lacks=version.lacks,
        handed_back=version.handed_back,
        effective_from=version.effective_from,
        due_on=version.due_on,
        reported_on=version.reported_on,
        late=version.late,
        relatives=version.relatives,
        unknown_ids=version.unknown_ids,
        overdue_ids=version.overdue_ids,
    )


def _message_to_values(message: pb.Reporter | pb.Relative) -> dict[str, Any]:
    return {field.name: value for field, value in message.ListFields()}

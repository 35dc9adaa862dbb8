"""Clients of a unit's own services, for its clerks: typed values in and out, protobuf only in here.

Every call raises ServiceError where it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import grpc

from libmatch.stubs.beneficiary.v1 import beneficiary_pb2, beneficiary_pb2_grpc
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.lists.v1 import lists_pb2_grpc
from libmatch.stubs.registry.v1 import registry_pb2, registry_pb2_grpc

_CHUNK = 256 * 1024  # the service's limit for one piece
_LONG_S = 290.0  # an import or a round may take minutes; services end calls after 300 s

Progress = Callable[[int], None]
"""Told how many bytes were handed over with each piece."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did. ``problem_file``: an .xlsx to correct and import again; empty for none."""

    total: int
    accepted: int
    refused: int
    skipped: int
    new: int
    changed: int
    unchanged: int
    problems: tuple[str, ...]
    notices: tuple[str, ...]
    problem_file: bytes


@dataclass(frozen=True)
class SyncReport:
    """What a round with the matcher came to."""

    batches: int
    records: int
    withdrawn: int
    notices: int
    waiting: int


@dataclass(frozen=True)
class RelativeLine:
    """A declared relative in a list; references as hex, ``status`` as in the protobuf enum."""

    official_ref: str
    official: str
    post: str
    ref: str
    name: str
    relation: str
    status: str


@dataclass(frozen=True)
class PersonLine:
    """A person of an item in a list; ``status`` as in the protobuf enum."""

    item_ref: str
    item_name: str
    programme: str
    name: str
    capacity: str
    status: str


@dataclass(frozen=True)
class OfficialNoticeLine:
    """A notice to the official's unit. Amount in 0.01 CNY, None for none."""

    received_at_us: int
    official: str
    relative: str
    relation: str
    approving_unit: str
    item_name: str
    programme: str
    amount_fen: int | None
    place: str
    disputed: bool


@dataclass(frozen=True)
class ItemNoticeLine:
    """A notice to the approving unit."""

    received_at_us: int
    item_ref: str
    item_name: str
    person: str
    official: str
    official_unit: str
    official_post: str
    relation: str
    disputed: bool


@dataclass(frozen=True)
class ClearanceLine:
    """The gate's answer for one item; ``status`` as in the protobuf enum, ``holds`` in Chinese."""

    item_ref: str
    status: str
    checked_at_us: int
    expires_at_us: int
    tree_size: int
    leaf_index: int
    holds: tuple[str, ...] = ()


class RegistryClient:
    """``libmatch.registry.v1.Declarations``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = registry_pb2_grpc.DeclarationsStub(channel)

    def import_sheet(self, name: str, data: bytes, progress: Progress) -> ImportReport:
        """What the service took of the file."""
        chunks = file_chunks(name, data, progress)
        return pb_to_report(self._stub.ImportSheet(chunks, timeout=_LONG_S))

    def sync(self) -> SyncReport:
        """What one round with the matcher, now, came to."""
        return _pb_to_sync(self._stub.Sync(registry_pb2.SyncRequest(), timeout=_LONG_S))

    def list_relatives(self, reason: str = "") -> list[RelativeLine]:
        """Every declared relative, official by official."""
        response = self._stub.ListDeclarations(registry_pb2.ListDeclarationsRequest(reason=reason))
        return [
            RelativeLine(
                official.ref.hex(),
                official.name,
                official.post,
                relative.ref.hex(),
                relative.name,
                relative.relation,
                registry_pb2.RelativeStatus.Name(relative.status),
            )
            for official in response.officials
            for relative in official.relatives
        ]

    def withdraw(self, official: bytes, relatives: Sequence[bytes], reason: str) -> int:
        """The number of relatives withdrawn just now; all of the official's if none are named."""
        request = registry_pb2.WithdrawRelativesRequest(
            official_ref=official, relative_refs=relatives, reason=reason
        )
        return self._stub.WithdrawRelatives(request).withdrawn

    def list_notices(self, reason: str = "") -> list[OfficialNoticeLine]:
        """Every notice received so far."""
        response = self._stub.ListNotices(registry_pb2.ListNoticesRequest(reason=reason))
        return [
            OfficialNoticeLine(
                notice.received_at_us,
                notice.official_name,
                notice.relative_name,
                notice.relation,
                notice.approving_unit,
                notice.item_name,
                notice.programme,
                notice.amount_fen if notice.HasField("amount_fen") else None,
                notice.place,
                notice.disputed,
            )
            for notice in response.notices
        ]


class BeneficiaryClient:
    """``libmatch.beneficiary.v1.Items``; with ``actual`` it imports lists of actual beneficiaries (R61)."""

    def __init__(self, channel: grpc.Channel, *, actual: bool = False) -> None:
        self._stub = beneficiary_pb2_grpc.ItemsStub(channel)
        lists = lists_pb2_grpc.ListsStub(channel)
        self._import = lists.ImportActual if actual else self._stub.ImportSheet

    def import_sheet(self, name: str, data: bytes, progress: Progress) -> ImportReport:
        """What the service took of the file."""
        chunks = file_chunks(name, data, progress)
        return pb_to_report(self._import(chunks, timeout=_LONG_S))

    def sync(self) -> SyncReport:
        """What one round with the matcher, now, came to."""
        return _pb_to_sync(self._stub.Sync(beneficiary_pb2.SyncRequest(), timeout=_LONG_S))

    def list_persons(self, reason: str = "") -> list[PersonLine]:
        """Every person of every item."""
        response = self._stub.ListItems(beneficiary_pb2.ListItemsRequest(reason=reason))
        return [
            PersonLine(
                item.item_ref,
                item.item_name,
                item.programme,
                person.name,
                person.capacity,
                beneficiary_pb2.PersonStatus.Name(person.status),
            )
            for item in response.items
            for person in item.persons
        ]

    def withdraw(self, item_ref: str, reason: str) -> int:
        """The number of persons of the item withdrawn just now; 0 where a signature is awaited."""
        return self.ask_withdrawal(item_ref, reason)[0]

    def ask_withdrawal(self, item_ref: str, reason: str) -> tuple[int, bytes]:
        """The number of persons of the item withdrawn just now, and the list that waits (b"" for none)."""
        request = beneficiary_pb2.WithdrawItemRequest(item_ref=item_ref, reason=reason)
        response = self._stub.WithdrawItem(request)
        return response.withdrawn, response.list_id

    def list_notices(self, reason: str = "") -> list[ItemNoticeLine]:
        """Every notice received so far."""
        response = self._stub.ListNotices(beneficiary_pb2.ListNoticesRequest(reason=reason))
        return [
            ItemNoticeLine(
                notice.received_at_us,
                notice.item_ref,
                notice.item_name,
                notice.person_name,
                notice.official_name,
                notice.official_unit,
                notice.official_post,
                notice.relation,
                notice.disputed,
            )
            for notice in response.notices
        ]

    def check(self, item_refs: Sequence[str]) -> list[ClearanceLine]:
        """The gate's answers about 1 to 500 items, in order."""
        request = beneficiary_pb2.CheckItemsRequest(item_refs=item_refs)
        return [
            ClearanceLine(
                item.item_ref,
                beneficiary_pb2.ItemStatus.Name(item.status),
                item.checked_at_us,
                item.expires_at_us,
                item.tree_size,
                item.leaf_index,
                tuple(hold.text for hold in item.holds),
            )
            for item in self._stub.CheckItems(request).items
        ]


def file_chunks(name: str, data: bytes, progress: Progress) -> Iterator[core_pb2.FileChunk]:
    """The pieces of an upload, in order; the first names the file."""
    for start in range(0, max(len(data), 1), _CHUNK):
        piece = data[start : start + _CHUNK]
        yield core_pb2.FileChunk(file_name=name if start == 0 else "", data=piece)
        progress(len(piece))


def pb_to_report(report: core_pb2.ImportReport) -> ImportReport:
    """What an import did."""
    return ImportReport(
        total=report.rows_total,
        accepted=report.rows_accepted,
        refused=report.rows_refused,
        skipped=report.rows_skipped,
        new=report.records_new,
        changed=report.records_changed,
        unchanged=report.records_unchanged,
        problems=tuple(map(_problem_zh, report.problems)),
        notices=tuple(report.notices),
        problem_file=report.problem_file,
    )


def _problem_zh(problem: core_pb2.SheetProblem) -> str:
    column = f"{problem.column}列" if problem.column else ""
    heading = f"（{problem.heading}）" if problem.heading else ""
    place = f"工作表“{problem.sheet}”第{problem.row}行{column}{heading}"
    return f"{place}：{problem.what}。{problem.cure}"


def _pb_to_sync(report: core_pb2.SyncReport) -> SyncReport:
    return SyncReport(
        report.batches_sent,
        report.records_sent,
        report.records_withdrawn,
        report.notices_received,
        report.batches_waiting,
    )

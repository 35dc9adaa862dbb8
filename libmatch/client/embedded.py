"""``Client``: what a department's system embeds; the package's docstring shows its use.

Every step may be cut off by kill -9 and be repeated: what is to be sent is stored, sealed and signed,
before it is sent, and what came back is stored before it is told. Of the caller's data only its own
references are kept in clear.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import grpc

from libmatch.auditlog import log_origin
from libmatch.channel import open_channel
from libmatch.china_time import china_day
from libmatch.client.delivery import prove_receipts, send_waiting
from libmatch.client.gate import ItemClearance, check_items
from libmatch.client.inbox import Notice, acknowledge_notices, fetch_notices, read_notices
from libmatch.client.logwatch import LogWatch
from libmatch.client.matcher import IDEMPOTENT, MatcherClient
from libmatch.client.rows import RejectedRow, Row, check_rows, fold, side_of
from libmatch.client.sealing import Changes, add_withdrawals, seal_rows
from libmatch.client.settings import ClientSettings, read_settings
from libmatch.client.state import State
from libmatch.errors import BatchError
from libmatch.identity import server_dns_name
from libmatch.kit import PartyKeys, read_holder, read_party_keys
from libmatch.prepare import Holder
from libmatch.records import Receipt, Side
from libmatch.secret_files import read_passphrase


@dataclass(frozen=True)
class Prepared:
    """What ``prepare`` did: records sealed, unchanged, withdrawn (corrected), and the refused rows."""

    sealed: int
    unchanged: int
    withdrawn: int
    rejected: tuple[RejectedRow, ...]


class Client:
    """One unit's client on one or both sides; thread-safe. ``Client.open`` makes it from settings.

    A unit submits on a side from one place: either through this class with one state file, or through its
    own registry or beneficiary service. After a new roster or epoch was installed, open a new client.
    """

    def __init__(
        self,
        holder: Holder,
        keys: PartyKeys,
        sides: Collection[Side],
        state: State,
        channel: grpc.Channel,
        origin: str,
        now: Callable[[], datetime],
    ) -> None:
        """``origin`` is the audit log's (``auditlog.log_origin``); ``now`` gives aware datetimes.

        Raises BatchError for a side that the roster does not enrol the unit for.
        """
        member = holder.epoch.roster.find(holder.unit)
        if not all(member.may_submit(side) for side in sides):
            raise BatchError("the roster does not enrol the unit for a side of this client")
        self._holder = holder
        self._hpke = keys.hpke
        self._sides = tuple(sorted(sides))
        self._state = state
        self._channel = channel
        self._matcher = MatcherClient(channel)
        self._watch = LogWatch(self._matcher, state, origin, holder.epoch.manifest.log_key)
        self._now = now
        self._courier = (
            threading.Lock()
        )  # one conversation with the mailbox and the intake at a time

    @classmethod
    def open(cls, settings: ClientSettings | Path | str, *, now: Callable[[], datetime]) -> Client:
        """The client of these settings, or of ``libmatch.toml`` at this path; nothing is sent yet.

        Raises InputError (settings), KeyFileError, ShareError, ManifestError, EpochError, BatchError
        (the kit), StateError (the state file).
        """
        if not isinstance(settings, ClientSettings):
            settings = read_settings(Path(settings))
        keys = read_party_keys(settings.kit, read_passphrase(settings.passphrase))
        holder = read_holder(settings.kit, settings.unit, keys, now())
        channel = open_channel(
            settings.address,
            server_dns_name(settings.matcher),
            settings.tls,
            timeout_s=settings.timeout_s,
            idempotent=IDEMPOTENT,
        )
        origin, state = log_origin(settings.matcher.trust_domain), State(settings.state)
        return cls(holder, keys, settings.sides, state, channel, origin, now)

    def prepare(self, rows: Iterable[Row]) -> Prepared:
        """What was sealed into the outbox, durably; ``rejected`` rows say in Chinese and English why.

        Rows are ItemRow (beneficiary side), RelativeRow (registry side) or mappings with their fields. The
        rows given for a ``ref`` are the whole of it: others that it had are withdrawn, the same again
        change nothing. Raises EpochError after the epoch's end, BatchError for a side not the client's.
        """
        given, manifest = list(rows), self._holder.epoch.manifest
        manifest.check_time(self._now())
        if not {side_of(row) for row in given} <= set(self._sides):
            raise BatchError("a row is of a side that this client is not set up for")
        today = china_day(self._now())
        taken, rejected = check_rows(
            given, today=today, kinds=manifest.kinds, bucket=manifest.bucket
        )
        changes = []
        with self._state.transaction() as tx:
            for side in self._sides:
                mine = [row for row in taken if row.side is side]
                refused = {r.ref for r in rejected if r.ref and side_of(given[r.position]) is side}
                changes.append(seal_rows(tx, self._holder, side, mine, refused))
        return _prepared(changes, rejected)

    def withdraw(self, refs: Iterable[str], side: Side | None = None) -> int:
        """How many records of these references were put into the outbox for withdrawal.

        On every side of the client unless one is given; unknown references count nothing.
        """
        if side is not None and side not in self._sides:
            raise BatchError("this client is not set up for that side")
        count, epoch = 0, self._holder.epoch.epoch_id
        folded = list(dict.fromkeys(map(fold, refs)))
        with self._state.transaction() as tx:
            for each in self._sides if side is None else (side,):
                rids = [rid for ref in folded for rid in tx.live_records(epoch, each, ref).values()]
                add_withdrawals(tx, self._holder, each, rids)
                for ref in folded:
                    tx.mark_incomplete(epoch, each, ref, incomplete=False)
                count += len(rids)
        return count

    def submit(self) -> list[Receipt]:
        """The verified receipts of all that waited in the outbox, each found in the audit log.

        Raises ServiceError where the matcher is not reached (what waits is sent next time), ConflictError
        where another system submitted in the unit's name, LogError where the matcher broke a promise.
        """
        with self._courier:
            receipts = send_waiting(self._state, self._matcher, self._holder, self._sides)
            prove_receipts(self._state, self._watch, self._holder)
        return receipts

    @property
    def waiting(self) -> int:
        """How many batches and withdrawals wait in the outbox."""
        with self._state.transaction() as tx:
            return tx.count_waiting(self._holder.epoch.epoch_id)

    def clearance(self, refs: Iterable[str]) -> dict[str, ItemClearance]:
        """The gate's answer for each item reference: CLEAR only where all its persons are.

        Raises ServiceError where the matcher is not reached: without an answer nothing is approved.
        """
        names = list(refs)
        folded = list(dict.fromkeys(map(fold, names)))
        answers = check_items(
            self._state, self._matcher, self._watch, self._holder, folded, self._now
        )
        return {name: answers[fold(name)] for name in names}

    def notices(self) -> list[Notice]:
        """All notices of hits so far, the newest last; what is new was fetched and acknowledged.

        A ``disputed`` one contradicts the unit's own record: do not act on it, tell 纪委.
        """
        found: list[Notice] = []
        with self._courier:
            for side in self._sides:
                fetch_notices(self._state, self._matcher, self._holder, side)
                read = read_notices(self._state, self._holder, self._hpke, side)
                arrived = {notice.number for notice in read if notice.content is not None}
                acknowledge_notices(self._state, self._matcher, self._holder, side, arrived)
                found += read
        return sorted(found, key=lambda notice: notice.number)

    def close(self) -> None:
        """End the connection; safe to call again."""
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _prepared(changes: Sequence[Changes], rejected: Sequence[RejectedRow]) -> Prepared:
    return Prepared(
        sealed=sum(change.sealed for change in changes),
        unchanged=sum(change.unchanged for change in changes),
        withdrawn=sum(change.withdrawn for change in changes),
        rejected=tuple(rejected),
    )

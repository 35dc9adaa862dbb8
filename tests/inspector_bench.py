"""纪委's use cases against the real matcher's services in one process, over real database files.

The calls go through the real client and the real servicers, message by message, without a network; a test
can change what the matcher answers, let it fail, or kill the workstation between any two of its steps.

::

    with InspectorBench(tmp_path, make_district(...), policy=ReleasePolicy.IMMEDIATE) as bench:
        bench.matcher.submit("reg-a", Side.REGISTRY, [person(1)])     # tests.matcher_bench.Bench
        bench.submit("reg-a", Side.REGISTRY, [relative(...)])         # with payloads of the test's choice
        bench.pull()                                  # one round
        bench.cases(), bench.disputes(), bench.mailbox("ben-a", Side.BENEFICIARY)
        bench.desk(ZHANG).list_cases("核对")          # through the servicer
        bench.wire.alter("FetchHit", change)          # from now on, what the matcher answers
        bench.wire.fail("ReleaseNotice", error)       # from now on, until ``bench.wire.honest()``
        bench.fuse.burn_after(7)                      # Killed at the eighth call or transaction
        bench.reopen()                                # a restart on the same files
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import grpc
from sqlmodel import Session

from libmatch.auditlog import log_origin
from libmatch.errors import ServiceError
from libmatch.identifiers import Identifier
from libmatch.keys import seal_to
from libmatch.notices import HitNotice, open_notice
from libmatch.payloads import ItemPayload, RelativePayload
from libmatch.prepare import Payload
from libmatch.records import SIGNATURE_SIZE, Side
from libmatch.reports import Report, Stage, make_copies, seal_info
from services.chassis import audit
from services.chassis.authz import set_caller
from services.chassis.db import Database
from services.chassis.errors import outcome_of
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.inspector import rpc
from services.inspector.app import VERSIONS, Wiring
from services.inspector.cases import Case
from services.inspector.disputes import Dispute
from services.inspector.peers.desk import DeskClient
from services.inspector.peers.log import LogClient
from services.inspector.peers.review import ReviewClient
from services.inspector.pull import Round
from services.inspector.release import Release
from services.inspector.states import ReleasePolicy
from services.inspector.store.checkpoints import Checkpoints
from services.inspector.store.trail import Trail
from services.matcher import rpc as matcher_rpc
from tests.district import INSPECTOR, District, person
from tests.matcher_bench import INSPECTOR_IDENTITY, Bench, sign_report

T = TypeVar("T")
OFFICERS = tuple(Identity("fuling", "officer", name) for name in ("zhang", "li", "wang"))
ZHANG, LI, WANG = OFFICERS


class Killed(BaseException):
    """The workstation was killed just here."""


class Fuse:
    """Counts calls and transactions, and kills before the one that a test chose.

    To be killed after one is to be killed before the next: memory is lost, what is on disk is the same.
    """

    def __init__(self) -> None:
        self.steps = 0
        self._left: int | None = None
        self._lock = threading.Lock()

    def burn_after(self, steps: int) -> None:
        self.steps, self._left = 0, steps

    def step(self) -> None:
        with self._lock:
            self.steps += 1
            if self._left is None:
                return
            if self._left <= 0:
                raise Killed
            self._left -= 1


class FragileDatabase(Database):
    """A database whose process may be killed before each transaction."""

    fuse: Fuse | None = None

    def run_tx(self, name: str, fn: Callable[[Session], T]) -> T:
        if self.fuse:
            self.fuse.step()
        return super().run_tx(name, fn)


class _Context:
    """Holds who calls: the servicers ask for nothing else."""


class Handlers:
    """Stands for a server while services register, and keeps their handlers by method path."""

    def __init__(self, register: Callable[[grpc.Server], None]) -> None:
        self.by_path: dict[str, Any] = {}
        register(cast(grpc.Server, self))

    def add_generic_rpc_handlers(self, _: object) -> None:
        """The same handlers without their names."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        self.by_path |= {f"/{service}/{name}": handler for name, handler in handlers.items()}


class Wire(grpc.Channel):
    """A channel that ends at servicers in this process."""

    def __init__(self, handlers: Handlers, caller: Identity, fuse: Fuse) -> None:
        self._handlers = handlers
        self._caller = caller
        self._fuse = fuse
        self.calls: Counter[str] = Counter()
        self._changes: dict[str, Callable[[Any, Any], Any]] = {}
        self._errors: dict[str, Callable[[Any], ServiceError | None]] = {}

    def alter(self, method: str, change: Callable[[Any, Any], Any]) -> None:
        """``change(request, response)`` makes what is answered instead."""
        self._changes[method] = change

    def fail(self, method: str, error: Callable[[Any], ServiceError | None]) -> None:
        """``error(request)`` makes the failure of a call, or None."""
        self._errors[method] = error

    def honest(self) -> None:
        """Nothing is altered or fails any more."""
        self._changes.clear()
        self._errors.clear()

    def unary_unary(  # type: ignore[override]
        self, method: str, request_serializer: Any, response_deserializer: Any, *_: Any, **__: Any
    ) -> Any:
        name = method.rpartition("/")[2]

        def call(request: Any, *_: Any, **__: Any) -> Any:
            self._fuse.step()
            self.calls[name] += 1
            response = self._answer(method, name, request)
            return response_deserializer(response.SerializeToString())

        return call

    def _answer(self, method: str, name: str, request: Any) -> Any:
        failure = self._errors.get(name, lambda _: None)(request)
        if failure is not None:
            raise failure
        context = cast(grpc.ServicerContext, _Context())
        set_caller(context, self._caller)
        try:
            response = self._handlers.by_path[method].unary_unary(request, context)
        except Exception as error:  # noqa: BLE001  # as the edge of the matcher does
            found = outcome_of(error)
            raise ServiceError(
                found.code.name, found.reason, found.message, found.message_zh
            ) from None
        return self._changes.get(name, lambda _, same: same)(request, response)

    def stream_unary(self, *_: Any, **__: Any) -> Any:
        """Exists for stubs of services that 纪委 never calls."""

    unary_stream = stream_stream = stream_unary

    def subscribe(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError

    unsubscribe = subscribe

    def close(self) -> None:
        """Holds nothing."""


class InspectorBench:
    """One workstation and one matcher; see the module's docstring."""

    use: rpc.UseCases
    database: FragileDatabase
    wire: Wire

    def __init__(
        self,
        folder: Path,
        district: District,
        policy: ReleasePolicy = ReleasePolicy.TWO_OFFICERS,
        url: str = "",
    ) -> None:
        self.policy = policy
        self.url = url or f"sqlite:///{folder / 'inspector.db'}"
        self.matcher = Bench(_make(folder / "matcher"), district)
        self.kit = folder / "kit"
        self.path = folder / "inspector.db"
        self.fuse = Fuse()
        self.woken = 0
        district.write_epoch(self.kit)
        self.open()

    @property
    def district(self) -> District:
        return self.matcher.district

    def open(self) -> None:
        self.database = FragileDatabase(self.url)
        migrate(self.database, VERSIONS)
        self.database.fuse = self.fuse
        now, own = self.matcher.clock, INSPECTOR_IDENTITY
        services = Handlers(lambda server: matcher_rpc.register(server, self.matcher.use))
        self.wire = Wire(services, own, self.fuse)
        keys = self.district.inspector
        wiring = Wiring(self.database, self.kit, keys, self.policy, own, now)
        self.epochs, checkpoints = wiring.open_epochs(), Checkpoints(self.database, now)
        origin, log_key = log_origin(self.district.name), self.district.manifest.log_key
        log = LogClient(self.wire, checkpoints, origin, log_key)
        self.use = wiring.wire(self.epochs, ReviewClient(self.wire), log, checkpoints, self.wake)

    def wake(self) -> None:
        self.woken += 1

    def reopen(self) -> None:
        """A restart; what was altered or broken is honest and whole again."""
        self.fuse = Fuse()
        self.database.close()
        self.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()
        self.matcher.database.close()

    # --- what units and officers do ---------------------------------------------------------------

    def submit(self, unit: str, side: Side, payloads: Sequence[Payload]) -> tuple[bytes, ...]:
        """The record ids of the unit's next batch, in the order of ``payloads``."""
        seq = self.matcher.next_seq(unit, side)
        (sealed,) = self.district.holder(unit).prepare(side, payloads, seq)
        self.matcher.use.intake.accept(unit, sealed.batch)
        return sealed.rids

    def report(
        self, unit: str, side: Side, case_id: bytes, seq: int, stage: Stage, body: bytes = b"step"
    ) -> Report:
        """The unit's report on a case with a copy for 纪委, as the matcher accepted it."""
        report = self.make_report(unit, side, case_id, seq, stage, body)
        self.matcher.use.reports.accept(unit, report)
        return report

    def make_report(
        self, unit: str, side: Side, case_id: bytes, seq: int, stage: Stage, body: bytes = b"step"
    ) -> Report:
        """The report, sealed to 纪委 and signed, not sent."""
        district = self.district
        head = (district.manifest.epoch_id, case_id, unit, side, seq)
        sealed = seal_to(district.inspector.hpke.public_key, body, seal_info(*head, INSPECTOR))
        copies = make_copies(district.suite, [(INSPECTOR, sealed)])
        at_us = int(self.matcher.clock().timestamp()) * 1_000_000
        return sign_report(district, Report(*head, stage, at_us, copies, bytes(SIGNATURE_SIZE)))

    def pull(self) -> Round:
        return self.use.pull.run()

    def desk(self, officer: Identity) -> DeskClient:
        """The service as the officer's program sees it."""
        return DeskClient(Wire(Handlers(lambda s: rpc.register(s, self.use)), officer, Fuse()))

    @property
    def release(self) -> Release:
        return self.use.release

    # --- what there is then -----------------------------------------------------------------------

    def cases(self, unit: str = "") -> list[Case]:
        trail = Trail(self.matcher.clock(), ZHANG, "case.list", "核对")
        return self.use.cases.list_page(trail, unit, 0, 1000)

    def disputes(self) -> list[Dispute]:
        trail = Trail(self.matcher.clock(), ZHANG, "dispute.list")
        return [listed.dispute for listed in self.use.disputes.list_page(trail, 0, 1000)]

    def mailbox(self, unit: str, side: Side) -> list[HitNotice]:
        """The notices that the unit finds, opened with its own key, in order."""
        epoch, key = self.district.epoch, self.district.keys(unit).hpke
        posted = self.matcher.use.mailbox.fetch(unit, side, 0, 1000)
        return [open_notice(epoch, one.notice, key) for one in posted]

    def trail(self) -> list[audit.AuditEntry]:
        def read(session: Session) -> list[audit.AuditEntry]:
            found = list(audit.entries(session, limit=10_000))
            for entry in found:
                session.expunge(entry)
            return found

        return self.database.read(read)


def _make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def relative(
    who: Identifier,
    relation: str = "配偶",
    *,
    official: int = 900_000,
    post: str = "科长",
    unit: str = "某局",
    name: str = "甲某",
) -> RelativePayload:
    """A declared relative of official number ``official``."""
    return RelativePayload(who, name, relation, person(official), "乙某", unit, post)


def item(
    who: Identifier, ref: str = "X-1", *, amount_fen: int = 120_000, capacity: str = "受益人"
) -> ItemPayload:
    """A beneficiary of item ``ref``."""
    return ItemPayload(who, "甲某", capacity, ref, "改厕", "项目补助", amount_fen, "某村", None)

"""Desk: what officers of 纪委 call. Every look at cases goes into the trail in its own transaction (R63)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import grpc

from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.inspector.v1 import inspector_pb2 as pb
from libmatch.stubs.inspector.v1 import inspector_pb2_grpc as pb_grpc
from services.chassis.authz import AccessTable, caller
from services.chassis.db import to_micros
from services.chassis.identity import Identity
from services.chassis.refusals import InvalidRequest, Refused
from services.inspector.cases import Case
from services.inspector.disputes import ListedDispute
from services.inspector.figures import DistrictFigures
from services.inspector.file_forms import FileForms
from services.inspector.progress import Step
from services.inspector.pull import Pull
from services.inspector.release import Release, check_reason
from services.inspector.retention import PurgeCases
from services.inspector.rpc import filings
from services.inspector.statements import StatementOversight
from services.inspector.states import CaseStatus
from services.inspector.store.cases import Cases
from services.inspector.store.disputes import Disputes
from services.inspector.store.trail import Trail
from services.inspector.supervision import Supervision
from services.process.rpc import draws, figures, leads, oversight, retention

SERVICE = "libmatch.inspector.v1.Desk"
_SERVICES = (
    *(SERVICE, figures.SERVICE, filings.SERVICE),
    *(draws.SERVICE, leads.SERVICE, retention.SERVICE),
)
ACCESS = AccessTable(
    {**dict.fromkeys(_SERVICES, ("officer",)), oversight.SERVICE: ("organisation",)}
)
_PAGE = 1000  # cases of one message: about 0.6 MB
_UNIT = re.compile(r"[a-z0-9-]{0,64}")
_LARGEST = (1 << 63) - 1


@dataclass(frozen=True)
class UseCases:
    """All that the handlers call."""

    pull: Pull
    release: Release
    cases: Cases
    disputes: Disputes
    figures: DistrictFigures
    file_forms: FileForms
    statements: StatementOversight
    supervision: Supervision
    purge: PurgeCases
    now: Callable[[], datetime]


def admit_officer(identity: Identity, service: str) -> None:
    """Return for ``officer/<name>`` and ``organisation/<name>``, of 区委组织部 (R50). Raises Refused.

    A third segment would let one person count as two officers.
    """
    del service
    known = identity.role in ("officer", "organisation")
    if not known or not identity.name or identity.login:
        raise Refused(
            "the certificate names no officer", "证书不是纪委干部的证书。", reason="OFFICER"
        )


def register(server: grpc.Server, use: UseCases) -> None:
    """Adds the services to ``server``."""
    pb_grpc.add_DeskServicer_to_server(Desk(use), server)
    figures.add_to_server(use.figures, server)
    filings.register(server, use.file_forms)
    oversight.add_to_server(use.statements, server)
    draws.register(server, use.supervision.draws)
    leads.register(server, use.supervision.leads, use.now)
    retention.add_to_server(use.purge, server)


class Desk(pb_grpc.DeskServicer):
    """Messages to use cases and back; lists come straight from the store."""

    def __init__(self, use: UseCases) -> None:
        self._use = use

    def Pull(self, request: pb.PullRequest, context: grpc.ServicerContext) -> pb.PullResponse:
        del request, context
        done = self._use.pull.run()
        return pb.PullResponse(
            batches_tested=done.tested.batches,
            bad_capsules=done.tested.bad,
            hits_opened=done.opened.hits,
            disputes=done.disputes,
            notices_released=done.notified.sent,
            hits_withdrawn=done.listed.withdrawn,
            hits_waiting=done.opened.waiting,
        )

    def ListCases(
        self, request: pb.ListCasesRequest, context: grpc.ServicerContext
    ) -> pb.ListCasesResponse:
        if not _UNIT.fullmatch(request.unit):
            raise InvalidRequest("not a unit's name", "单位代码不正确。")
        trail = self._look(context, "case.list", request.reason)
        limit = _page_size(request.limit)
        page = self._use.cases.list_page(trail, request.unit, _number(request.after), limit)
        more = page[-1].number if len(page) == limit else 0
        shown = {unit for case in page for unit in (*case.declaring_units, case.key.approving_unit)}
        names = {u: name for u, name in self._use.figures.names().items() if u in shown}
        return pb.ListCasesResponse(cases=map(case_to_pb, page), next_after=more, unit_names=names)

    def Release(
        self, request: pb.ReleaseRequest, context: grpc.ServicerContext
    ) -> pb.ReleaseResponse:
        case_ids: Sequence[bytes] = request.case_ids
        agreed = self._use.release.agree(caller(context), case_ids, request.reason)
        return pb.ReleaseResponse(
            released=agreed.released,
            awaiting_second=agreed.awaiting_second,
            unchanged=agreed.unchanged,
        )

    def ListDisputes(
        self, request: pb.ListDisputesRequest, context: grpc.ServicerContext
    ) -> pb.ListDisputesResponse:
        trail = Trail(self._use.now(), caller(context), "dispute.list")
        limit = _page_size(request.limit)
        page = self._use.disputes.list_page(trail, _number(request.after), limit)
        return pb.ListDisputesResponse(disputes=map(_dispute_to_pb, page))

    def _look(self, context: grpc.ServicerContext, what: str, reason: str) -> Trail:
        """Who looks at what, and why; a look without a reason is in the trail as refused (R63)."""
        at, officer = self._use.now(), caller(context)
        try:
            return Trail(at, officer, what, check_reason(reason))
        except InvalidRequest:
            self._use.cases.leave_trail(Trail(at, officer, what), "refused R63")
            raise


_STATUS = {
    CaseStatus.OPENED: pb.CASE_STATUS_OPENED,
    CaseStatus.RELEASED: pb.CASE_STATUS_RELEASED,
    CaseStatus.WITHDRAWN: pb.CASE_STATUS_WITHDRAWN,
}


def case_to_pb(case: Case) -> pb.Case:
    """What a case says now; officers by their names."""
    relative, item, key = case.content.relative, case.content.item, case.key
    return pb.Case(
        case_id=case.case_id,
        number=case.number,
        official_name=relative.official_name,
        official_unit=relative.official_unit,
        official_post=relative.official_post,
        official_kind=int(key.official.kind),
        official_idn=key.official.idn,
        relative_name=relative.name,
        relation=relative.relation,
        person_kind=int(key.person.kind),
        person_idn=key.person.idn,
        declaring_units=case.declaring_units,
        approving_unit=key.approving_unit,
        capacity=key.capacity,
        item_ref=key.item_ref,
        item_name=item.item_name,
        programme=item.programme,
        amount_fen=item.amount_fen,
        place=item.place,
        start_date=item.start.isoformat() if item.start else "",
        status=_STATUS[case.status],
        opened_at_us=to_micros(case.opened_at),
        released_at_us=to_micros(case.released_at) if case.released_at else 0,
        released_by=(Identity.parse(officer).name for officer in case.agreed),
        stages=map(_step_to_pb, case.stages),
        listed_name=item.name,
        names_differ=case.names_differ,
    )


def _step_to_pb(step: Step) -> pb.PartyStage:
    return pb.PartyStage(
        unit=step.unit,
        side=core_pb2.Side.ValueType(int(step.side)),
        stage=pb.CaseStage.ValueType(int(step.stage)),
        at_us=step.at_us,
    )


def _dispute_to_pb(listed: ListedDispute) -> pb.Dispute:
    dispute = listed.dispute
    return pb.Dispute(
        number=listed.number,
        hit_id=dispute.hit_id,
        answerable=dispute.answerable,
        found_at_us=to_micros(listed.found_at),
        what=dispute.what_zh,
    )


def _page_size(asked: int) -> int:
    return min(asked or _PAGE, _PAGE)


def _number(after: int) -> int:
    if after > _LARGEST:
        raise InvalidRequest("a number is below 2^63")
    return after

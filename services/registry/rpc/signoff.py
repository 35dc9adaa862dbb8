"""The gRPC service of the sign-off, for people of the own unit with accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TypeVar

import grpc

from libmatch.china_time import china_day
from libmatch.errors import InputError
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.signoff.v1 import signoff_pb2 as pb
from libmatch.stubs.signoff.v1 import signoff_pb2_grpc
from services.chassis.authz import caller
from services.chassis.refusals import InvalidRequest
from services.holder.accounts import Accounts
from services.holder.rpc import collect_upload, imported_to_pb
from services.holder.rpc.enforcement import enforced
from services.registry.signoff.acting import Seen, require_accounts
from services.registry.signoff.desk import ANY_STEP, SIGN_STEP
from services.registry.signoff.looks import (
    Due,
    DueKind,
    ListedVersion,
    Next,
)
from services.registry.signoff.office import SignOffOffice
from services.registry.signoff.staging import Options
from services.registry.signoff.versions import Placing, StagedVersion
from services.rules.declaration import Relative, Reporter
from services.rules.entry import State
from services.rules.reporting import Post
from services.rules.roles import Action
from services.rules.versions import ChangeKind

SERVICE = "libmatch.signoff.v1.SignOff"
ROLES = frozenset({"clerk"})

_LOOKS = (Action.READ_DECLARATIONS, Action.SIGN_DECLARATION)
_IMPORT = (Action.IMPORT_DECLARATIONS,)
ACTIONS = {
    "StageSheet": _IMPORT,
    "ListVersions": _LOOKS,
    "GetVersion": _LOOKS,
    "Place": _IMPORT,
    "RecordPledge": _IMPORT,
    "Sign": SIGN_STEP,
    "Enter": _IMPORT,
    "Review": (Action.REVIEW_DECLARATIONS,),
    "HandBack": ANY_STEP,
    "Discard": (Action.CORRECT_DECLARATIONS,),
    "Confirm": _IMPORT,
    "ListDue": _LOOKS,
}

_STATES = {state: getattr(pb, f"VERSION_STATE_{state.name}") for state in State}
_CHANGES = {kind: getattr(pb, f"CHANGE_KIND_{kind.name}") for kind in ChangeKind}
_POSTS = {post: getattr(pb, f"POST_KIND_{post.name}") for post in Post}
_NEXT = {one: getattr(pb, f"NEXT_ACTOR_{one.name}") for one in Next}
_DUES = {kind: getattr(pb, f"DUE_KIND_{kind.name}") for kind in DueKind}

Value = TypeVar("Value")


def register(server: grpc.Server, accounts: Accounts, office: SignOffOffice) -> None:
    """Adds the service to ``server``."""
    servicer = enforced(SignOff(accounts, office), ACTIONS, accounts)
    signoff_pb2_grpc.add_SignOffServicer_to_server(servicer, server)


class SignOff(signoff_pb2_grpc.SignOffServicer):
    """Messages to use cases and back."""

    def __init__(self, accounts: Accounts, office: SignOffOffice) -> None:
        self._accounts = accounts
        self._stage = office.stage
        self._desk = office.desk
        self._looks = office.looks

    def StageSheet(
        self, request_iterator: Iterator[pb.StageSheetRequest], context: grpc.ServicerContext
    ) -> pb.StageSheetResponse:
        require_accounts(self._accounts)
        first = next(request_iterator, None)
        if first is None:
            raise InvalidRequest("the first piece names the file", "没有文件。")
        options = _options(first.options)
        name, data = collect_upload(_chunks(first, request_iterator))
        imported = self._stage.run(caller(context), name, data, options)
        return pb.StageSheetResponse(report=imported_to_pb(imported))

    def ListVersions(
        self, request: pb.ListVersionsRequest, context: grpc.ServicerContext
    ) -> pb.ListVersionsResponse:
        states = [_pick(_STATES, number, "状态") for number in request.states]
        listed = self._looks.list_versions(
            caller(context), states, request.reason, mine=request.mine
        )
        return pb.ListVersionsResponse(versions=map(_listed_to_pb, listed))

    def GetVersion(
        self, request: pb.GetVersionRequest, context: grpc.ServicerContext
    ) -> pb.GetVersionResponse:
        shown = self._looks.show(caller(context), request.ref, request.reason)
        version = shown.listed.version
        return pb.GetVersionResponse(
            version=_listed_to_pb(shown.listed),
            reporter=_reporter_to_pb(version.declaration.reporter),
            relatives=map(_relative_to_pb, version.declaration.relatives),
            changes=shown.changes_zh,
            signer=version.signature.signer,
            signed_on=_iso(version.signature.signed_on),
        )

    def Place(self, request: pb.PlaceRequest, context: grpc.ServicerContext) -> pb.PlaceResponse:
        placing = Placing(_pick(_POSTS, request.post, "人员类别"), request.unit.strip())
        done = self._desk.place(caller(context), _seen(request.versions), placing)
        return pb.PlaceResponse(versions=map(_seen_to_pb, done))

    def RecordPledge(
        self, request: pb.RecordPledgeRequest, context: grpc.ServicerContext
    ) -> pb.RecordPledgeResponse:
        signed_on = _day(request.signed_on)
        done = self._desk.record_pledge(caller(context), _seen(request.versions), signed_on)
        return pb.RecordPledgeResponse(versions=map(_seen_to_pb, done))

    def Sign(self, request: pb.SignRequest, context: grpc.ServicerContext) -> pb.SignResponse:
        done = self._desk.sign(caller(context), _seen(request.versions))
        return pb.SignResponse(versions=map(_seen_to_pb, done))

    def Enter(self, request: pb.EnterRequest, context: grpc.ServicerContext) -> pb.EnterResponse:
        done = self._desk.enter(caller(context), _seen(request.versions))
        return pb.EnterResponse(versions=map(_seen_to_pb, done))

    def Review(self, request: pb.ReviewRequest, context: grpc.ServicerContext) -> pb.ReviewResponse:
        done = self._desk.review(caller(context), _seen(request.versions))
        return pb.ReviewResponse(versions=map(_seen_to_pb, done))

    def HandBack(
        self, request: pb.HandBackRequest, context: grpc.ServicerContext
    ) -> pb.HandBackResponse:
        done = self._desk.hand_back(caller(context), _seen(request.versions), request.reason)
        return pb.HandBackResponse(versions=map(_seen_to_pb, done))

    def Discard(
        self, request: pb.DiscardRequest, context: grpc.ServicerContext
    ) -> pb.DiscardResponse:
        done = self._desk.discard(caller(context), _seen(request.versions), request.reason)
        return pb.DiscardResponse(discarded=len(done))

    def Confirm(
        self, request: pb.ConfirmRequest, context: grpc.ServicerContext
    ) -> pb.ConfirmResponse:
        on = _day(request.confirmed_on)
        done = self._desk.confirm(caller(context), _seen(request.versions), on)
        return pb.ConfirmResponse(versions=map(_seen_to_pb, done))

    def ListDue(
        self, request: pb.ListDueRequest, context: grpc.ServicerContext
    ) -> pb.ListDueResponse:
        until = _day(request.until) if request.until else china_day(self._accounts.now())
        due = self._looks.due(caller(context), until, request.reason)
        return pb.ListDueResponse(
            dues=map(_due_to_pb, due.dues), campaign_due_on=_iso(due.campaign_due)
        )


def _chunks(
    first: pb.StageSheetRequest, rest: Iterable[pb.StageSheetRequest]
) -> Iterator[core_pb2.FileChunk]:
    yield first.chunk
    for request in rest:
        yield request.chunk


def _options(options: pb.StageOptions) -> Options:
    change = post = None
    if options.change != pb.CHANGE_KIND_UNSPECIFIED:
        change = _pick(_CHANGES, options.change, "变化类型")
    if options.post != pb.POST_KIND_UNSPECIFIED:
        post = _pick(_POSTS, options.post, "人员类别")
    return Options(
        change=change,
        event_on=_optional_day(options.event_on),
        began_on=_optional_day(options.began_on),
        signed_on=_optional_day(options.signed_on),
        post=post,
        unit=options.unit.strip(),
    )


def _pick(numbers: Mapping[Value, int], number: int, what_zh: str) -> Value:
    """What a number of an enum means. Raises InputError for one that is not known."""
    for value, known in numbers.items():
        if known == number:
            return value
    raise InputError("an unknown value of an enum", f"请选择{what_zh}")


def _optional_day(text: str) -> date | None:
    return _day(text) if text else None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError("not an ISO date", "日期应写成 2026-01-31 的形式") from None


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _seen(versions: Iterable[pb.SeenVersion]) -> Sequence[Seen]:
    return [Seen(one.ref, one.digest, one.step) for one in versions]


def _seen_to_pb(version: StagedVersion) -> pb.SeenVersion:
    return pb.SeenVersion(ref=version.ref, digest=version.course.digest, step=version.step)


def _listed_to_pb(listed: ListedVersion) -> pb.Version:
    version, reported = listed.version, listed.version.reported
    reporter, post = version.declaration.reporter, version.placing.post
    event_on = reported.effective_from if reported else version.occasion.event_on
    return pb.Version(
        seen=_seen_to_pb(version),
        official_name=reporter.name,
        post_text=reporter.post,
        number=version.number,
        change=_CHANGES[version.occasion.change],
        state=_STATES[version.state],
        next=_NEXT[listed.next],
        signer=listed.signer_zh,
        mine=listed.mine,
        post=_POSTS[post] if post else pb.POST_KIND_UNSPECIFIED,
        lacks=listed.lacks_zh,
        handed_back=version.handed_back,
        effective_from=_iso(event_on),
        due_on=_iso(version.due_on),
        reported_on=_iso(reported.reported_on if reported else None),
        late=reported.late if reported else False,
        relatives=len(version.declaration.relatives),
        unknown_ids=listed.unknown_ids,
        overdue_ids=listed.overdue_ids,
    )


def _reporter_to_pb(reporter: Reporter) -> pb.Reporter:
    return pb.Reporter(
        name=reporter.name,
        sex=reporter.sex or "",
        political=reporter.political,
        unit=reporter.unit,
        post=reporter.post,
        rank=reporter.rank,
        work=reporter.work,
        discipline=reporter.discipline,
        identifier=reporter.identifier.idn,
        household=reporter.household,
        phone=reporter.phone,
    )


def _relative_to_pb(relative: Relative) -> pb.Relative:
    unknown = relative.unknown
    return pb.Relative(
        name=relative.name,
        sex=relative.sex or "",
        relation=relative.relation.value,
        political=relative.political,
        unit=relative.unit,
        post=relative.post,
        identifier=relative.identifier.idn if relative.identifier else "",
        phone=relative.phone,
        household=relative.household,
        remark=relative.remark,
        unknown_reason=unknown.reason if unknown else "",
        unknown_until=_iso(unknown.due_on if unknown else None),
    )


def _due_to_pb(due: Due) -> pb.Due:
    return pb.Due(
        kind=_DUES[due.kind],
        seen=_seen_to_pb(due.version),
        official_name=due.version.declaration.reporter.name,
        due_on=due.due_on.isoformat(),
        days_late=due.days_late,
    )

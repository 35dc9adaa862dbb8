"""The gRPC service of the register of staff forms (R57), for officers of 纪委."""

from __future__ import annotations

import grpc

from libmatch.errors import InputError
from libmatch.stubs.figures.v1 import figures_pb2 as pb
from libmatch.stubs.figures.v1 import figures_pb2_grpc
from services.chassis.authz import caller
from services.inspector.file_forms import FileForms
from services.inspector.states import StaffPost
from services.inspector.store.filings import FiledForm
from services.process.rpc.figures import parse_day

SERVICE = "libmatch.figures.v1.Filings"
_POSTS = {
    pb.STAFF_POST_RESPONSIBLE_LEADER: StaffPost.LEADER,
    pb.STAFF_POST_WORKER: StaffPost.WORKER,
}
_NUMBERS = {post: number for number, post in _POSTS.items()}


def register(server: grpc.Server, use: FileForms) -> None:
    """Adds the service to ``server``."""
    figures_pb2_grpc.add_FilingsServicer_to_server(FilingsService(use), server)


class FilingsService(figures_pb2_grpc.FilingsServicer):
    """Messages to the register and back."""

    def __init__(self, use: FileForms) -> None:
        self._use = use

    def RecordFiling(
        self, request: pb.RecordFilingRequest, context: grpc.ServicerContext
    ) -> pb.RecordFilingResponse:
        post = _POSTS.get(request.post)
        if post is None:
            raise InputError("an enum has an unknown value", "请填写是责任领导还是工作人员")
        day = parse_day(request.filed_on)
        form = FiledForm(request.unit, post, request.number.strip(), day)
        self._use.record(caller(context), form)
        return pb.RecordFilingResponse()

    def ListFilings(
        self, request: pb.ListFilingsRequest, context: grpc.ServicerContext
    ) -> pb.ListFilingsResponse:
        del request, context
        names = self._use.names()
        return pb.ListFilingsResponse(
            filings=(
                pb.Filing(
                    unit=form.unit,
                    display_name=names.get(form.unit, form.unit),
                    post=_NUMBERS[form.post],
                    number=form.number,
                    filed_on=form.filed_on.isoformat(),
                )
                for form in self._use.list_all()
            )
        )

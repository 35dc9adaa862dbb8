"""The gRPC service for the unit's accounts, the same in both services of a unit."""

from __future__ import annotations

import grpc

from libmatch.stubs.accounts.v1 import accounts_pb2 as pb
from libmatch.stubs.accounts.v1 import accounts_pb2_grpc
from services.chassis.authz import caller
from services.holder.account_files import AccountFile
from services.holder.account_looks import AccountLooks
from services.holder.account_steps import AccountSteps
from services.holder.accounts import Accounts
from services.holder.rpc.staff_forms import form_to_pb, parse_day, pb_to_form
from services.rules.people import Filing, PartyOpinion
from services.rules.roles import Role

SERVICE = "libmatch.accounts.v1.Accounts"
ROLES = frozenset({"clerk"})

_ROLES = {
    Role.WORKER: pb.ROLE_WORKER,
    Role.RESPONSIBLE_LEADER: pb.ROLE_RESPONSIBLE_LEADER,
    Role.PARTY_HEAD: pb.ROLE_PARTY_HEAD,
    Role.LEADER_IN_CHARGE: pb.ROLE_LEADER_IN_CHARGE,
    Role.VILLAGE_LEADER: pb.ROLE_VILLAGE_LEADER,
    Role.DISCIPLINE_HEAD: pb.ROLE_DISCIPLINE_HEAD,
    Role.DISCIPLINE_ORGAN: pb.ROLE_DISCIPLINE_ORGAN,
}
_ROLE_OF = {number: role for role, number in _ROLES.items()}


def register(server: grpc.Server, accounts: Accounts) -> None:
    """Adds the service to ``server``."""
    accounts_pb2_grpc.add_AccountsServicer_to_server(AccountsService(accounts), server)


class AccountsService(accounts_pb2_grpc.AccountsServicer):
    """Messages to steps and looks, and back."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._steps = AccountSteps(accounts)
        self._looks = AccountLooks(accounts)

    def Propose(
        self, request: pb.ProposeRequest, context: grpc.ServicerContext
    ) -> pb.ProposeResponse:
        form = pb_to_form(request.form, self._accounts.today())
        who = (caller(context), request.login)
        file = self._steps.propose(*who, form, discipline=request.discipline)
        return pb.ProposeResponse(account=self._to_pb(file))

    def Pledge(self, request: pb.PledgeRequest, context: grpc.ServicerContext) -> pb.PledgeResponse:
        file = self._steps.pledge(caller(context), request.form_digest, request.signer)
        return pb.PledgeResponse(account=self._to_pb(file))

    def RecordOpinion(
        self, request: pb.RecordOpinionRequest, context: grpc.ServicerContext
    ) -> pb.RecordOpinionResponse:
        opinion = PartyOpinion(request.approves, request.sealed, parse_day(request.given_on))
        about = (request.login, request.form_digest)
        file = self._steps.record_opinion(caller(context), *about, opinion)
        return pb.RecordOpinionResponse(account=self._to_pb(file))

    def RecordFiling(
        self, request: pb.RecordFilingRequest, context: grpc.ServicerContext
    ) -> pb.RecordFilingResponse:
        filing = Filing(request.number.strip(), parse_day(request.filed_on))
        about = (request.login, request.form_digest)
        file = self._steps.record_filing(caller(context), *about, filing)
        return pb.RecordFilingResponse(account=self._to_pb(file))

    def GrantRoles(
        self, request: pb.GrantRolesRequest, context: grpc.ServicerContext
    ) -> pb.GrantRolesResponse:
        # What is not among them, by a newer or a hostile client, is refused as OFFICIAL is (R64).
        roles = {_ROLE_OF.get(number, Role.OFFICIAL) for number in request.roles}
        about = (request.login, request.form_digest)
        file = self._steps.grant_roles(caller(context), *about, roles)
        return pb.GrantRolesResponse(account=self._to_pb(file))

    def Disable(
        self, request: pb.DisableRequest, context: grpc.ServicerContext
    ) -> pb.DisableResponse:
        file = self._steps.disable(caller(context), request.login, request.reason)
        return pb.DisableResponse(account=self._to_pb(file))

    def ListAccounts(
        self, request: pb.ListAccountsRequest, context: grpc.ServicerContext
    ) -> pb.ListAccountsResponse:
        files, gap = self._looks.list_all(caller(context), request.reason)
        return pb.ListAccountsResponse(accounts=map(self._to_pb, files), unit_gap=gap)

    def GetAccount(
        self, request: pb.GetAccountRequest, context: grpc.ServicerContext
    ) -> pb.GetAccountResponse:
        file = self._looks.show(caller(context), request.login, request.reason)
        return pb.GetAccountResponse(account=self._to_pb(file), form=form_to_pb(file.form))

    def _to_pb(self, file: AccountFile) -> pb.Account:
        missing = file.missing(self._accounts.today())
        state = pb.ACCOUNT_STATE_INCOMPLETE if missing else pb.ACCOUNT_STATE_WORKING
        if file.disabled:
            state = pb.ACCOUNT_STATE_DISABLED
        return pb.Account(
            login=file.login,
            name=file.form.name,
            roles=(_ROLES[role] for role in Role if role in file.roles),
            state=state,
            missing=(f"{gap.what_zh}（{gap.cure_zh}，规则{gap.rule}）" for gap in missing),
            form_digest=file.digest,
            discipline=file.discipline,
        )

"""The client of a unit's accounts, the same at both of its services. Raises ServiceError."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from libmatch.stubs.accounts.v1 import accounts_pb2 as pb
from libmatch.stubs.accounts.v1 import accounts_pb2_grpc


@dataclass(frozen=True)
class AccountLine:
    """How far an account has come; ``roles`` and ``state`` as in the protobuf enums.

    ``missing`` in Chinese. ``form_digest``: 32 bytes, what later steps name the form by.
    """

    login: str
    name: str
    roles: tuple[str, ...]
    state: str
    missing: tuple[str, ...]
    form_digest: bytes
    discipline: bool


class AccountsClient:
    """``libmatch.accounts.v1.Accounts``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = accounts_pb2_grpc.AccountsStub(channel)

    def propose(self, login: str, form: Mapping[str, Any], *, discipline: bool) -> AccountLine:
        """Opens the file of ``login``; ``form`` by the names of the protobuf fields."""
        request = pb.ProposeRequest(login=login, form=pb.StaffForm(**form), discipline=discipline)
        return _pb_to_line(self._stub.Propose(request).account)

    def pledge(self, form_digest: bytes, signer: str) -> AccountLine:
        """Signs the pledge of the own account."""
        request = pb.PledgeRequest(form_digest=form_digest, signer=signer)
        return _pb_to_line(self._stub.Pledge(request).account)

    def record_opinion(self, about: AccountLine, *, approves: bool, on: str) -> AccountLine:
        """Records the opinion on the sealed form, of an ISO date."""
        request = pb.RecordOpinionRequest(
            login=about.login,
            form_digest=about.form_digest,
            approves=approves,
            sealed=True,
            given_on=on,
        )
        return _pb_to_line(self._stub.RecordOpinion(request).account)

    def record_filing(self, about: AccountLine, number: str, on: str) -> AccountLine:
        """Records the filing, of an ISO date."""
        request = pb.RecordFilingRequest(
            login=about.login, form_digest=about.form_digest, number=number, filed_on=on
        )
        return _pb_to_line(self._stub.RecordFiling(request).account)

    def grant_roles(self, about: AccountLine, roles: Iterable[str]) -> AccountLine:
        """Sets the roles, by the names of the protobuf enum."""
        request = pb.GrantRolesRequest(
            login=about.login, form_digest=about.form_digest, roles=map(pb.Role.Value, roles)
        )
        return _pb_to_line(self._stub.GrantRoles(request).account)

    def disable(self, login: str, reason: str) -> AccountLine:
        """Stops the account."""
        request = pb.DisableRequest(login=login, reason=reason)
        return _pb_to_line(self._stub.Disable(request).account)

    def list_accounts(self, reason: str) -> tuple[list[AccountLine], str]:
        """All accounts, and what the unit's appointments lack, in Chinese ("" when nothing)."""
        response = self._stub.ListAccounts(pb.ListAccountsRequest(reason=reason))
        return [_pb_to_line(account) for account in response.accounts], response.unit_gap

    def show(self, login: str = "", reason: str = "") -> tuple[AccountLine, dict[str, Any]]:
        """An account and its form by the names of the protobuf fields; the own one by default."""
        response = self._stub.GetAccount(pb.GetAccountRequest(login=login, reason=reason))
        return _pb_to_line(response.account), _message_to_values(response.form)


def _pb_to_line(account: pb.Account) -> AccountLine:
    return AccountLine(
        account.login,
        account.name,
        tuple(pb.Role.Name(role) for role in account.roles),
        pb.AccountState.Name(account.state),
        tuple(account.missing),
        account.form_digest,
        account.discipline,
    )


def _message_to_values(message: Any) -> dict[str, Any]:
    """The fields that are set, nested messages as dictionaries."""
    values: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.is_repeated:
            values[field.name] = [_message_to_values(row) for row in value]
        else:
            nested = field.message_type is not None
            values[field.name] = _message_to_values(value) if nested else value
    return values

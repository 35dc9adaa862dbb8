"""The one place where rights are asked for before a unit's service answers (R30, R56, R64).

Wraps a servicer: every method needs a row, method → actions of which one is enough, or nobody may
call it. A refusal comes before the first piece of the request is taken and is in the trail; so is a
look that is refused for want of a reason (R63), which the method itself asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import grpc

from services.chassis.authz import caller
from services.holder.accounts import Accounts, action_name
from services.rules.roles import Action
from services.rules.violation import RuleViolation

Servicer = TypeVar("Servicer")


class _Enforced:
    """A servicer's stand-in: hands out its methods behind the question whether the caller may."""

    def __init__(
        self, servicer: object, actions: Mapping[str, tuple[Action, ...]], accounts: Accounts
    ) -> None:
        self._servicer = servicer
        self._actions = actions
        self._accounts = accounts

    def __getattr__(self, method: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        if method not in self._actions:  # LookupError: an AttributeError could pass for optional
            raise LookupError(f"{method}: no action is named for it, so nobody may call it")
        actions, handler = self._actions[method], getattr(self._servicer, method)

        def call(request: Any, context: grpc.ServicerContext) -> Any:
            identity = caller(context)
            self._accounts.require(identity, *actions)
            try:
                return handler(request, context)
            except RuleViolation as refused:
                if refused.rule == "R63":
                    self._accounts.refused(identity, action_name(actions[0]), refused)
                raise

        return call


def enforced(
    servicer: Servicer, actions: Mapping[str, tuple[Action, ...]], accounts: Accounts
) -> Servicer:
    """``servicer`` with every method behind ``accounts.require`` of its actions; all need a row."""
    return cast(Servicer, _Enforced(servicer, actions, accounts))

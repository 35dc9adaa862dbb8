"""Whom a unit's own service admits: its own clerks and its own systems (beyond the access table)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from services.chassis.identity import Identity
from services.chassis.refusals import Refused

ROLES = frozenset({"clerk", "unit"})


def own_unit_only(unit: str, for_officers: Collection[str] = ()) -> Callable[[Identity, str], None]:
    """A check that raises Refused for callers of any other unit than ``unit``.

    The services ``for_officers`` answer officers of 纪委 alone, whom the access table lets in.
    """

    def admit(caller: Identity, service: str) -> None:
        if service in for_officers and caller.role == "officer" and caller.name:
            return
        if caller.role == "clerk" and not caller.login:
            # The trail must name a person.
            text = "经办人证书没有登录名，请联系管理员换发。"
            raise Refused("a clerk's certificate names a login", text, reason="NO_LOGIN")
        if caller.name != unit or caller.role not in ROLES:
            raise Refused(
                "this service answers its own unit only",
                "本服务只供本单位人员使用，请使用本单位的证书和地址。",
                reason="OTHER_UNIT",
            )

    return admit

"""services.chassis.authz: deny by default."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import grpc
import pytest

from services.chassis.authz import HEALTH, REFLECTION, AccessTable, Gatekeeper, caller, set_caller
from services.chassis.identity import Identity
from services.chassis.refusals import Refused, Unauthenticated
from tests.chassis_pki import Pki

_UNIT = Identity("fuling", "unit", "a")
_TABLE = AccessTable({"t.Intake": {"unit"}, "t.Log": {"unit", "inspector"}})


def _now() -> datetime:
    return datetime.now(UTC)


def _gatekeeper(**changes: Any) -> Gatekeeper:
    settings: dict[str, Any] = {"trust_domain": "fuling", "now": _now, "admit": None} | changes
    return Gatekeeper(_TABLE.with_operations(reflection=False), **settings)


def _context(*pems: bytes) -> grpc.ServicerContext:
    return cast(grpc.ServicerContext, SimpleNamespace(auth_context=lambda: {"x509_pem_cert": pems}))


def test_only_a_role_in_the_row_is_allowed() -> None:
    assert _TABLE.allows("inspector", "t.Log")
    assert not _TABLE.allows("inspector", "t.Intake")
    assert not _TABLE.allows("", "t.Log")


@pytest.mark.parametrize("service", ["", "t.Unknown", "t.Logs", "t.log", HEALTH, *REFLECTION])
def test_service_without_a_row_is_denied_to_everyone(service: str) -> None:
    assert not _TABLE.allows("unit", service)


def test_health_is_for_every_role_of_the_table_and_no_other() -> None:
    table = _TABLE.with_operations(reflection=False)
    assert table.allows("unit", HEALTH)
    assert not table.allows("clerk", HEALTH)


@pytest.mark.parametrize("service", REFLECTION)
def test_reflection_is_for_every_role_of_the_table_where_it_is_on(service: str) -> None:
    assert not _TABLE.with_operations(reflection=False).allows("unit", service)
    on = _TABLE.with_operations(reflection=True)
    assert on.allows("unit", service)
    assert not on.allows("clerk", service)


@pytest.mark.parametrize("roles", ["unit", set(), ()])
def test_row_that_is_not_a_set_of_roles_is_a_mistake(roles: Collection[str]) -> None:
    with pytest.raises(ValueError, match=r"t\.Intake"):
        AccessTable({"t.Intake": roles})


def test_certificate_of_another_district_is_unauthenticated(pki: Pki) -> None:
    pem = pki.issue("spiffe://nanan/unit/a").certificate.read_bytes()
    with pytest.raises(Unauthenticated) as refusal:
        _gatekeeper().identify(_context(pem))
    assert refusal.value.reason == "TRUST_DOMAIN"


def test_certificate_that_ended_during_the_connection_is_unauthenticated(pki: Pki) -> None:
    pem = pki.issue(str(_UNIT), valid=timedelta(hours=1)).certificate.read_bytes()
    assert _gatekeeper().identify(_context(pem)) == _UNIT
    late = _gatekeeper(now=lambda: _now() + timedelta(hours=2))
    with pytest.raises(Unauthenticated) as refusal:
        late.identify(_context(pem))
    assert refusal.value.reason == "EXPIRED"


def test_no_certificate_is_unauthenticated() -> None:
    with pytest.raises(Unauthenticated):
        _gatekeeper().identify(_context())


def test_hook_can_refuse_what_the_table_allows() -> None:
    def revoked(identity: Identity, service: str) -> None:
        raise Refused(f"{identity.name} left the roster of {service}", reason="REVOKED")

    with pytest.raises(Refused) as refusal:
        _gatekeeper(admit=revoked).authorise(_UNIT, "t.Intake")
    assert refusal.value.reason == "REVOKED"
    _gatekeeper(admit=revoked).authorise(_UNIT, HEALTH)


def test_hook_cannot_allow_what_the_table_denies() -> None:
    def allow(identity: Identity, service: str) -> None:
        return None

    with pytest.raises(Refused):
        _gatekeeper(admit=allow).authorise(Identity("fuling", "inspector"), "t.Intake")


def test_caller_is_whom_the_gatekeeper_let_in() -> None:
    context = _context()
    with pytest.raises(Unauthenticated):
        caller(context)
    set_caller(context, _UNIT)
    assert caller(context) == _UNIT


def test_who_is_refused_is_told_in_chinese_what_to_look_at() -> None:
    with pytest.raises(Refused) as caught:
        _gatekeeper().authorise(_UNIT, "t.Unknown")
    assert "配置文件" in caught.value.message_zh

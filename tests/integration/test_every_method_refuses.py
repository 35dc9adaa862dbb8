"""Every method of a unit's services refuses who may not, and keeps the trail of it (R33, R63, R64).

Method by method, with a filled request, over mutual TLS: a service that is added later is asked, too.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from libmatch import stubs
from libmatch.channel import TlsFiles, open_channel
from libmatch.errors import ServiceError
from libmatch.identity import Identity, server_dns_name
from services.chassis.audit import entries, head
from services.chassis.db import Database
from tests.chassis_pki import Pki
from tests.district import person
from tests.integration.test_accounts_and_rights import OfficeSite
from tests.integration.test_unit_services import UNITS

# Of the administrators, who make their own steps there, and of the person whose account it is.
_OF_ADMINISTRATORS = ("libmatch.accounts.v1.Accounts", "libmatch.rights.v1.Trail")
# For officers of 纪委: the access table lets no clerk in.
_OF_OFFICERS = ("libmatch.matters.v1.Confirmations",)
_TEXTS = {
    "identifier": person(1).idn,
    "number": "72000000",
    "unit": "reg-a",
    "file_name": "名单.csv",
}
# The system administrator may start what runs by itself anyway; it answers with numbers alone.
_ROUNDS = {"Sync: answered", "Run: answered", "GetState: answered"}
_OF_OTHERS = ("inspector", "matcher", "core")


def find_methods() -> Iterator[tuple[str, Any]]:
    """(full name of the service, descriptor of the method) of everything but 纪委's and the matcher's."""
    for folder in sorted(Path(next(iter(stubs.__path__))).iterdir()):
        if not folder.is_dir() or folder.name in _OF_OTHERS or folder.name.startswith("_"):
            continue
        module = importlib.import_module(f"libmatch.stubs.{folder.name}.v1.{folder.name}_pb2")
        for service in module.DESCRIPTOR.services_by_name.values():
            if service.full_name not in _OF_OFFICERS:
                yield from ((service.full_name, method) for method in service.methods)


def fill(message: Any) -> Any:
    """``message`` with something in every field that could be meant."""
    for field in message.DESCRIPTOR.fields:
        one = getattr(message, field.name)
        if field.message_type is not None:
            for each in (one.add(), one.add()) if field.is_repeated else (one,):
                fill(each)
        elif field.is_repeated:
            one.append(_value_of(field))
        else:
            setattr(message, field.name, _value_of(field))
    return message


def _value_of(field: Any) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[1].number
    if field.type == field.TYPE_BYTES:
        return bytes(range(1, 17 if field.name.endswith(("id", "ids", "ref", "refs")) else 33))
    if field.type == field.TYPE_STRING:
        is_day = field.name.endswith(("_on", "_from"))
        return "2026-03-01" if is_day else _TEXTS.get(field.name, "某某事由")
    if field.type == field.TYPE_BOOL:
        return True
    return 2025 if field.name == "year" else 1


def call(channel: grpc.Channel, service: str, method: Any) -> ServiceError | None:
    """The refusal of a filled request; None where it was answered."""
    request, answer = map(GetMessageClass, (method.input_type, method.output_type))
    path, forms = (
        f"/{service}/{method.name}",
        (request.SerializeToString, answer.FromString),
    )
    try:
        if method.client_streaming:
            channel.stream_unary(path, *forms)(iter([fill(request())]), timeout=20)
        else:
            channel.unary_unary(path, *forms)(fill(request()), timeout=20)
    except ServiceError as error:
        return error
    return None


class Asked:
    """What asking every method came to: refused with a line of the trail, or not."""

    def __init__(self, site: OfficeSite, service: str, address: str) -> None:
        self.database = site.folder / service / f"{service}.db"
        self.name = server_dns_name(Identity.parse(f"spiffe://fuling/unit/{UNITS[service]}"))
        self.site, self.service, self.address = site, service, address

    def ask(self, login: str, leave_out: tuple[str, ...]) -> list[str]:
        """What is wrong with the answers to ``login``."""
        files = self.site.pki.issue(f"spiffe://fuling/clerk/{UNITS[self.service]}/{login}")
        tls = TlsFiles(files.certificate, files.private_key, files.ca)
        wrong, offered = [], 0
        with (
            open_channel(self.address, self.name, tls) as channel,
            Database(f"sqlite:///{self.database}", read_only=True) as trail,
        ):
            for service, method in find_methods():
                before = trail.read(head).seq
                refusal = call(channel, service, method)
                if refusal is not None and refusal.reason == "ROLE":
                    continue  # of the other service
                offered += 1
                if service in leave_out:
                    continue
                name = f"{service}/{method.name}"
                new = trail.read(lambda s, since=before: list(entries(s, since)))  # type: ignore[misc]
                if refusal is None:
                    wrong.append(f"{name}: answered")
                elif "（规则R" not in refusal.message_zh:
                    wrong.append(f"{name}: {refusal.message_zh}")
                elif [e.outcome.startswith("refused") for e in new] != [True]:
                    wrong.append(f"{name}: {[(e.action, e.outcome) for e in new]}")
        assert offered > 30
        return wrong


@pytest.fixture(scope="module", params=sorted(UNITS))
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Pki
) -> Iterator[Asked]:
    site = OfficeSite(tmp_path_factory.mktemp("district"), pki)
    with site.running(request.param) as process:
        yield Asked(site, request.param, process.address)


def test_R33_login_without_an_account_is_refused_by_every_method(asked: Asked) -> None:
    assert "\n".join(asked.ask("nobody", ("libmatch.accounts.v1.Accounts",))) == ""


@pytest.mark.parametrize("login", ["wang", "chen"])
def test_R64_administrator_is_refused_by_every_method_with_business_data(
    asked: Asked, login: str
) -> None:
    assert "\n".join(asked.ask(login, _OF_ADMINISTRATORS)) == ""


def test_R64_system_administrator_runs_rounds_and_is_refused_by_all_else(asked: Asked) -> None:
    answered = asked.ask("zhang", _OF_ADMINISTRATORS)
    assert {line.rpartition("/")[2] for line in answered} <= _ROUNDS

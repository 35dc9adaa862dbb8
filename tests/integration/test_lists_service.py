"""Lists of a unit over mutual TLS: entered, reviewed, signed, then matched; proposed and actual compared.

The beneficiary service and the matcher are processes of their own; the unit's people work through the
command line, each with the own certificate (R25, R31, R47, R61, R63, R64).
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from libmatch.errors import ServiceError
from libmatch.stubs.matcher.v1 import matcher_pb2, matcher_pb2_grpc
from services.cli.exits import Exit
from services.cli.peers import BeneficiaryClient
from services.cli.peers.lists import ListLine, ListsClient
from tests.chassis_pki import Pki
from tests.district import person
from tests.integration.test_accounts_and_rights import OfficeSite, Unit, name_of, today_in_china
from tests.integration.test_unit_services import Site, synced
from tests.unit.services.beneficiary.conftest import row as item
from tests.unit.services.beneficiary.conftest import sheet as items

WHY = ("--reason", "审核受益人名单")
ONE, ADDED = item(person(1), "A-1"), item(person(2), "A-1", "赵某")
STAFF: tuple[tuple[str, int, dict[str, str], str], ...] = (
    ("liu", 2, {"leader": "是"}, "责任领导"),
    ("li", 1, {"worker": "是"}, "工作人员"),
    ("gao", 3, {}, "党组织主要负责人"),
)


class ListSite(OfficeSite):
    """A site whose service names its administrators, the district's decisions, and a matcher that runs."""

    def configure(self, service: str, matcher: str = "", address: str = "127.0.0.1:0") -> Path:
        if service == "matcher":
            return Site.configure(self, service, matcher, address)
        config = super().configure(service, matcher, address)
        (config.parent / "decisions.toml").write_text(
            '[[programme]]\nname = "普惠补助"\nuniversal = "人人都有"\n'
            'decided_by = "区民政局"\ndecided_on = 2026-01-05\n',
            encoding="utf-8",
        )
        text = config.read_text("utf-8").replace("timeout_s = 0.2", "timeout_s = 5")
        config.write_text(f'catalogue = "decisions.toml"\n{text}', encoding="utf-8")
        return config


def open_accounts(unit: Unit) -> None:
    for login, of, answers, role in STAFF:
        form = unit.form(login, of, **answers)
        unit.does("zhang", "accounts", "propose", login, "--form", form)
        for who, words in unit.steps(login, today_in_china(), role):
            unit.does(who, *words)


def waiting(unit: Unit) -> ListLine:
    """The one list that waits, as the leader sees it."""
    with ExitStack() as stack:
        (line,) = ListsClient(unit.channel("liu", stack)).list_all(waiting=True)
    return line


def records_at(review: matcher_pb2_grpc.ReviewStub) -> int:
    """Live records of the unit at the matcher."""
    figures = review.GetFigures(matcher_pb2.GetFiguresRequest(), timeout=20).units
    return sum(one.records_live for one in figures if one.unit == "ben-a")


def put_in_force(unit: Unit) -> None:
    """The leader reviews and the head of the party organisation signs what waits."""
    line = waiting(unit)
    named = (line.list_id.hex(), "--digest", line.digest.hex())
    unit.does("liu", "beneficiary", "review-list", *named)
    assert "已生效" in unit.does("gao", "beneficiary", "sign-list", *named)


def test_R25_list_is_matched_once_it_is_reviewed_and_signed(tmp_path: Path, pki: Pki) -> None:
    site = ListSite(tmp_path, pki)
    with ExitStack() as stack:
        matcher = stack.enter_context(site.running("matcher"))
        review = stack.enter_context(site.review(matcher.address))
        service = stack.enter_context(site.running("beneficiary", matcher.address))
        unit = Unit(site, "beneficiary", service.address)
        open_accounts(unit)

        enter_a_list(unit)
        sync = ("beneficiary", "sync", "--config", unit.config("li"))
        synced(*sync)
        assert records_at(review) == 0
        refuse_whoever_may_not(unit)
        put_in_force(unit)
        synced(*sync)
        assert records_at(review) == 1
        compare_with_the_actual_list(unit)
        synced(*sync)
        assert records_at(review) == 2
        withdraw(unit)
        synced(*sync)
        assert records_at(review) == 0
    log = (site.folder / "beneficiary.log").read_text("utf-8")
    for secret in (person(1).idn, person(2).idn, "李某", "赵某", name_of("gao")):
        assert secret not in log


def enter_a_list(unit: Unit) -> None:
    universal = item(person(3), "A-2", "钱某", 资金名称="普惠补助")
    listed = unit.site.file("名单.csv", items(ONE, universal))
    code, text = unit.tell("li", "beneficiary", "import", listed)
    assert code == Exit.PARTIAL
    assert "人人都有" in text  # R26: the district's own decision
    assert "待责任领导审核、党组织负责人签署意见" in text
    code, text = unit.tell("li", "beneficiary", "check", "A-1")
    assert code == Exit.PARTIAL
    with ExitStack() as stack:
        (answer,) = BeneficiaryClient(unit.channel("li", stack)).check(["A-1"])
    assert answer.status == "ITEM_STATUS_NOT_SUBMITTED"
    assert answer.holds == ("受益人名单未经党组织负责人签署意见，请先签署",)


def refuse_whoever_may_not(unit: Unit) -> None:
    line = waiting(unit)
    number, digest = line.list_id.hex(), line.digest.hex()
    named = (number, "--digest", digest)
    unit.refused("R25", "li", "beneficiary", "sign-list", *named)
    unit.refused("R31", "li", "beneficiary", "review-list", *named)
    unit.refused("R31", "gao", "beneficiary", "review-list", *named)
    unit.refused("R25", "gao", "beneficiary", "sign-list", number, "--digest", "00" * 32)
    unit.refused("R64", "zhang", "beneficiary", "lists")
    unit.refused("R63", "gao", "beneficiary", "show-list", number)
    shown = unit.does("gao", "beneficiary", "show-list", number, *WHY)
    assert digest in shown
    with ExitStack() as stack:
        client = ListsClient(unit.channel("gao", stack))
        _, (seen,) = client.show(line.list_id, "审核受益人名单")
        assert (seen.name, seen.identifier) == ("李某", person(1).idn)
        with pytest.raises(ServiceError, match="16 bytes"):
            client.show(b"short", "审核受益人名单")


def compare_with_the_actual_list(unit: Unit) -> None:
    actual = unit.site.file("实际.csv", items(ONE, ADDED))
    unit.does("li", "beneficiary", "import", "--actual", actual)
    unit.refused("R63", "li", "beneficiary", "reconcile")
    code, _ = unit.tell("li", "beneficiary", "reconcile", *WHY)
    assert code in (Exit.OK, Exit.PARTIAL)  # what nobody signed says nothing yet
    put_in_force(unit)
    with ExitStack() as stack:
        client = ListsClient(unit.channel("liu", stack))
        (found,) = [one for one in client.reconcile([], "核对实施情况")[0] if one.kind]
    assert (found.item_ref, found.kind, found.person) == ("A-1", "DIFFERENCE_KIND_ADDED", "赵某")
    code, text = unit.tell("li", "beneficiary", "reconcile", *WHY)
    assert code == Exit.PARTIAL
    assert "赵某" in text
    proposed = unit.site.file("补录.csv", items(item(person(4), "A-1", "孙某")))
    unit.refused("R61", "li", "beneficiary", "import", proposed)


def withdraw(unit: Unit) -> None:
    told = unit.does("li", "beneficiary", "withdraw", "A-1", "--reason", "项目取消")
    assert "待责任领导审核" in told
    put_in_force(unit)

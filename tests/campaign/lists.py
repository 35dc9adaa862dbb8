"""Beneficiary lists on their way into the match: entered, reviewed, signed; the actual ones too (R61)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.lists.v1 import lists_pb2 as pb
from libmatch.stubs.lists.v1 import lists_pb2_grpc
from services.cli.peers import BeneficiaryClient
from tests.campaign.papers import item_sheet
from tests.campaign.staff import LEADER, PARTY_HEAD, WORKER
from tests.campaign.story import Item
from tests.campaign.year import REASON, Year

UNIVERSAL = "耕地地力保护补贴"


class Beneficiary:
    """The people of an approving unit at their lists."""

    def __init__(self, year: Year, unit: str) -> None:
        self.year = year
        self.unit = unit

    def as_(self, login: str) -> lists_pb2_grpc.ListsStub:
        return lists_pb2_grpc.ListsStub(self.year.site.clerk(self.unit, "beneficiary", login))

    @property
    def worker(self) -> BeneficiaryClient:
        return BeneficiaryClient(self.year.site.clerk(self.unit, "beneficiary", WORKER))

    def bring(self, items: Iterable[Item], **cells: str) -> tuple[int, int]:
        """The worker brings proposed beneficiaries; rows taken and refused."""
        report = self.worker.import_sheet("名单.csv", item_sheet(items, **cells), lambda _: None)
        return report.accepted, report.refused

    def bring_actual(self, items: Sequence[Item]) -> None:
        """The worker brings the actual beneficiaries (R61)."""
        chunk = core_pb2.FileChunk(file_name="实际名单.csv", data=item_sheet(items))
        report = self.as_(WORKER).ImportActual(iter([chunk]))
        assert report.rows_refused == 0, report

    def waiting(self) -> list[pb.List]:
        return list(self.as_(LEADER).ListLists(pb.ListListsRequest(waiting=True)).lists)

    def sign_waiting(self) -> None:
        """Leader and head of the party organisation read what waits, review and sign it."""
        for one in self.waiting():
            about = {"list_id": one.list_id, "digest": one.digest}
            self.as_(LEADER).ReviewList(pb.ReviewListRequest(**about))
            self.as_(PARTY_HEAD).SignList(pb.SignListRequest(**about))
        assert not self.waiting()

    def withdraw(self, ref: str) -> None:
        """An item is taken out of the match; that is signed too."""
        self.worker.withdraw(ref, "审批取消，撤回")
        self.sign_waiting()

    def reconcile(self, refs: Sequence[str]) -> dict[str, pb.ReconciledItem]:
        request = pb.ReconcileRequest(item_refs=refs, reason=REASON)
        return {one.item_ref: one for one in self.as_(WORKER).Reconcile(request).items}


def list_all(year: Year, unit: str) -> None:
    """The unit's first list goes all the way; wrong rows and wrong steps on the way are refused."""
    office, items = Beneficiary(year, unit), year.story.items_of(unit)
    _refuse_wrong_rows(office, items[0])
    assert office.bring(items) == (len(items), 0)
    _refuse_wrong_steps(office, items)
    office.sign_waiting()
    for item in items:
        year.model.list_item(*item.key, item.person.idn, year.today)


def _refuse_wrong_rows(office: Beneficiary, item: Item) -> None:
    """Universal funds (R26) and what ended before 2018 (R29) are not taken."""
    assert office.bring([item], 资金名称=UNIVERSAL, 项目名称=UNIVERSAL) == (0, 1)
    old = replace(item, start=date(2016, 5, 1))
    sheet = item_sheet([old]).replace("发放时间".encode(), "开工日期,完成日期".encode())
    sheet = sheet.replace(b"2016-05-01", b"2016-05-01,2016-09-01")
    report = office.worker.import_sheet("旧.csv", sheet, lambda _: None)
    assert (report.accepted, report.refused) == (0, 1), report.problems


def _refuse_wrong_steps(office: Beneficiary, items: Sequence[Item]) -> None:
    """Only the head of the party organisation signs, and only what he read (R25); two persons (R31)."""
    year, (one,) = office.year, office.waiting()
    about = {"list_id": one.list_id, "digest": one.digest}
    year.refused("R25", office.as_(LEADER).SignList, pb.SignListRequest(**about))
    year.refused("R31", office.as_(WORKER).ReviewList, pb.ReviewListRequest(**about))
    other = pb.SignListRequest(list_id=one.list_id, digest=bytes(32))
    year.refused("R25", office.as_(PARTY_HEAD).SignList, other)
    (answer,) = office.worker.check([items[0].ref])
    assert answer.status == "ITEM_STATUS_NOT_SUBMITTED"  # nobody has signed it

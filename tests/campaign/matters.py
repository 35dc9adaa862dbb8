"""Hits, from 纪委's workstation to the end of their publication, each on a way of its own (R35 to R48)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from demo.matters import MatterClerks
from libmatch.stubs.matters.v1 import matters_pb2 as pb
from libmatch.stubs.matters.v1 import matters_pb2_grpc
from services.cli.peers import BeneficiaryClient
from services.inspector.peers.desk import CaseLine, DeskClient
from tests.campaign.model import Key
from tests.campaign.site import OFFICERS
from tests.campaign.staff import LEADER, WORKER
from tests.campaign.year import REASON, Year, approving, services

Act = tuple[int, str, str]  # days behind the notice, what, how
_TAKE: tuple[Act, ...] = ((1, "take", ""),)
_FOUND: tuple[Act, ...] = (*_TAKE, (1, "conclude", "yes"))
_FAILED: tuple[Act, ...] = (*_TAKE, (1, "conclude", "no"))
_POSTED: tuple[Act, ...] = (*_FOUND, (2, "post", "village"), (2, "post", "official_unit"))
_OBJECTED: tuple[Act, ...] = (*_POSTED, (5, "object", "official_unit"))
WAYS: Mapping[str, tuple[Act, ...]] = {
    "published": _POSTED,
    "failed": (*_FAILED, (1, "measure", "")),
    "published, too": _POSTED,
    "nobody does anything": (),
    "objection dismissed": (*_OBJECTED, (7, "conclude", "yes")),
    "published as well": _POSTED,
    "verified late": (*_TAKE, (21, "conclude", "yes"), (21, "post", "village")),
    "taken down and posted again": (*_POSTED, (5, "down", "village"), (5, "post", "village")),
    "objection right": (*_OBJECTED, (7, "conclude", "no"), (7, "measure", "")),
    "failed and nothing done": _FAILED,
    "posted in one place": (*_FOUND, (2, "post", "village")),
    "objection open": (*_POSTED, (5, "object", "village")),
    "outcome superseded": (*_POSTED, (5, "conclude", "no"), (7, "measure", "")),
    "taken down": (*_POSTED, (5, "down", "official_unit")),
    "published at last": _POSTED,
    "only taken": _TAKE,
    "disputed and confirmed": (
        *((1, "dispute", ""), (2, "confirm", ""), (5, "take", ""), (5, "conclude", "yes")),
        *((5, "post", "village"), (5, "post", "official_unit")),
    ),
}
"""What is done about one matter after the other, again and again."""
SIMPLE = (_POSTED, _FAILED)
"""Ways of later matters."""
_PARTS = (("dispute", "confirm", "take", "conclude", "measure"), ("down", "post", "object"))


class Matters:
    """Everybody's matters: who works on which, by the unit's services."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.ways: dict[Key, tuple[Act, ...]] = {}
        self.case_ids: dict[Key, bytes] = {}

    def release(self, ways: Sequence[tuple[Act, ...]] = tuple(WAYS.values())) -> list[Key]:
        """纪委 opens what was found, two officers release it, everybody gets the notices: new hits."""
        year = self.year
        year.site.settle()
        cases = [case for case in self.cases() if case.status == "CASE_STATUS_OPENED"]
        ids = [case.case_id for case in cases]
        for officer in OFFICERS if ids else ():
            DeskClient(year.site.officer(officer)).release(ids, "核对无误，通知有关单位")
        year.site.settle()
        for number, case in enumerate(sorted(cases, key=key_of)):
            key = key_of(case)
            year.model.notify(key, year.today)
            self.case_ids[key] = bytes.fromhex(case.case_id)
            self.ways[key] = ways[number % len(ways)]
        return sorted(map(key_of, cases))

    def cases(self) -> list[CaseLine]:
        """All cases of 纪委's."""
        return list(DeskClient(self.year.site.officer(OFFICERS[0])).list_cases(REASON))

    def clerks(self, unit: str, side: str) -> MatterClerks:
        site = self.year.site
        return MatterClerks.of(site.clerk(unit, side, WORKER), site.clerk(unit, side, LEADER))

    def act(self) -> None:
        """Does what is planned for today, so many days behind the notice of each."""
        for part in _PARTS:
            planned = [one for what in part for one in self._planned(what)]
            offices = [self._place(key, how) for key, (_, _, how) in planned]
            self.year.site.meet(offices)
            for key, act in planned:
                self._do(key, act)
            self.year.site.meet(offices)  # today: the days of a publication are the matcher's

    def _planned(self, what: str) -> list[tuple[Key, Act]]:
        model, today = self.year.model, self.year.today
        days = {key: (today - model.matters[key].notified).days for key in self.ways}
        return [
            (key, act)
            for key, way in sorted(self.ways.items())
            for act in way
            if act[:2] == (days[key], what)
        ]

    def _do(self, key: Key, act: Act) -> None:
        _, what, how = act
        year, case_id = self.year, self.case_ids[key]
        clerks = self.clerks(*self._place(key, how))
        match what:
            case "dispute":
                why = {"reason": "受益人与申报的亲属不是同一人"}
                clerks.step(clerks.worker.Dispute, pb.DisputeRequest, case_id, **why)
            case "confirm":
                self._confirm(key)
            case "take":
                clerks.take(case_id)
            case "conclude":
                clerks.conclude(case_id, compliant=how == "yes", because=self._because(key))
            case "measure":
                clerks.measure(case_id, year.today)
            case "post":
                clerks.post(case_id)
            case "down":
                clerks.take_down(case_id)
            case "object":
                clerks.object_to(case_id)
        year.model.act(key, year.today, what, how)

    def _confirm(self, key: Key) -> None:
        """An officer of 纪委 looked into it: the hit is right, and verification begins anew (R36, R38)."""
        office = self.year.site.confirming(key[2], OFFICERS[1])
        request = pb.ConfirmRequest(case_id=self.case_ids[key], reason="经核对，比对无误")
        matters_pb2_grpc.MatterConfirmationsStub(office).Confirm(request)

    def _because(self, key: Key) -> str:
        """An outcome that holds is superseded with a reason (R40); an objection ends without one (R48)."""
        done = [what for _, what, _ in self.year.model.matters[key].acts]
        latest = next((what for what in reversed(done) if what in ("conclude", "object")), "")
        return "原核查有误，重新核查" if latest == "conclude" else ""

    def _place(self, key: Key, how: str) -> tuple[str, str]:
        """Who posts where (R43)."""
        if how != "official_unit":
            return key[2], "beneficiary"
        return min(self.year.model.hits(self.year.today)[key]), "registry"

    # --- what everybody sees ----------------------------------------------------------------------

    def compare(self) -> dict[str, int]:
        """States by count, once every service and the gate say what the model says."""
        year, day = self.year, self.year.today
        year.site.settle()
        hits = year.model.hits(day)
        expected = {key: year.model.state(key, day) for key in year.model.matters}
        overdue = {key for key in expected if year.model.is_overdue(key, day)}
        by_id = {case_id: key for key, case_id in self.case_ids.items()}
        for unit, side in services():
            seen = self.clerks(unit.id, side).list()
            mine = {key for key in expected if self._concerns(key, unit.id, side, hits)}
            assert {by_id[one] for one in seen} >= mine
            for case_id, one in seen.items():
                key = by_id[case_id]
                assert (one.state, one.overdue) == (expected[key], key in overdue), (day, key, side)
        self._compare_gate(day)
        counts: dict[str, int] = {}
        for state in expected.values():
            counts[state] = counts.get(state, 0) + 1
        return counts

    @staticmethod
    def _concerns(key: Key, unit: str, side: str, hits: Mapping[Key, set[str]]) -> bool:
        return key[2] == unit if side == "beneficiary" else unit in hits.get(key, ())

    def _compare_gate(self, day: date) -> None:
        for unit in approving():
            refs = [ref for (own, ref), item in self.year.model.listed.items() if own == unit.id]
            client = BeneficiaryClient(self.year.site.system(unit.id, "beneficiary"))
            for line in client.check(refs):
                expected = self._answer(unit.id, line.item_ref, day)
                assert line.status == f"ITEM_STATUS_{expected}", (day, line.item_ref)

    def _answer(self, unit: str, ref: str, day: date) -> str:
        item = self.year.model.listed[unit, ref]
        if not item.proposed or not item.on(day):  # nobody proposed it (R61), or it is withdrawn
            return "NOT_SUBMITTED"
        return "CLEAR" if self.year.model.is_clear(unit, ref, day) else "HOLD"


def key_of(case: CaseLine) -> Key:
    return case.official_idn, case.person_idn, case.approving_unit, case.item_ref

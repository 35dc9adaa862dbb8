"""Random checks and leads: 30 % inside a unit, 10 % in the district, by draws nobody chooses (R51 to R54)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from libmatch.sampling import decode_draw, verify_sample
from services.cli.draw_files import make_reveal
from services.cli.peers.draws import DrawsClient, QuotaLine
from services.cli.peers.leads import LeadsClient
from tests.campaign.model import Model
from tests.campaign.site import OFFICERS
from tests.campaign.staff import DISCIPLINE_HEAD, DISCIPLINE_ORGAN, LEADER, PARTY_HEAD, WORKER
from tests.campaign.year import REASON, Year

DECLARATIONS, MATTERS, DISTRICT = (
    f"CHECK_KIND_{kind}" for kind in ("UNIT_DECLARATIONS", "UNIT_MATTERS", "DISTRICT_MATTERS")
)
_CHECKED = "查阅资料，与申报一致"


class Checks:
    """One draw after the other, each checked to its end."""

    def __init__(self, year: Year) -> None:
        self.year = year

    def unit(self, unit: str) -> dict[str, tuple[int, int]]:
        """By kind of check how many there are and how many were drawn (R51)."""
        parties, model, today = (DISCIPLINE_HEAD, PARTY_HEAD), self.year.model, self.year.today
        drawn = {}
        for side, kind in (
            ("registry", DECLARATIONS),
            ("registry", MATTERS),
            ("beneficiary", MATTERS),
        ):
            people = [DrawsClient(self.year.site.clerk(unit, side, who)) for who in parties]
            size = _size(model, unit, side, kind, today)
            drawn[f"{side} {kind}"] = (size, self._check(people, parties, kind, size, 30))
        return drawn

    def district(self) -> tuple[int, int]:
        """How many matters there are and how many 纪委 drew (R52)."""
        model, today = self.year.model, self.year.today
        size = sum(key in model.hits(today) for key in model.matters)
        people = [DrawsClient(self.year.site.officer(name)) for name in OFFICERS]
        return size, self._check(people, OFFICERS, DISTRICT, size, 10)

    def _check(
        self,
        people: Sequence[DrawsClient],
        parties: Sequence[str],
        kind: str,
        size: int,
        percent: int,
    ) -> int:
        """The number of drawn items, each with a result."""
        first, year, rule = people[0], self.year.today.year, "R52" if kind == DISTRICT else "R51"
        self.year.refused(rule, first.plan, kind, year, parties, percent=percent - 5)
        draw_id = first.plan(kind, year, parties).draw_id
        kept = []
        for one in people:
            got = one.get(draw_id)
            kept.append(make_reveal(decode_draw(got.record).plan, got.line.own_party, ""))
            one.commit(draw_id, kept[-1].commitment(decode_draw(got.record).plan))
        for one, mine in zip(people, kept, strict=True):
            one.reveal(draw_id, mine.reveal.nonce, mine.reveal.value)
        got = first.get(draw_id)
        verify_sample(decode_draw(got.record), got.items, got.drawn)  # anybody can
        assert len(got.items) == size, kind
        assert len(got.drawn) == -(-size * percent // 100), kind
        self.year.refused(rule, first.finish, draw_id)
        for item in first.show_items(draw_id, REASON):
            first.record_result(draw_id, item.item, _CHECKED)
        assert first.finish(draw_id).state == "DRAW_STATE_FINISHED"
        self._compare_quota(first, kind, size, percent)
        return len(got.drawn)

    def _compare_quota(self, client: DrawsClient, kind: str, size: int, percent: int) -> None:
        _, quotas = client.list_year(self.year.today.year)
        quota: QuotaLine = next(one for one in quotas if one.kind == kind)
        required = -(-size * percent // 100)
        told = (quota.size, quota.required, quota.checked, quota.not_drawn_from)
        assert told == (size, required, required, 0), kind


def _size(model: Model, unit: str, side: str, kind: str, today: Any) -> int:
    """Of how many is drawn: officials with a declaration, or matters that stand (R51)."""
    if kind == DECLARATIONS:
        return sum(own == unit for own, _ in model.declared)
    told = {key: units for key, units in model.hits(today).items() if key in model.matters}
    if side == "beneficiary":
        return sum(key[2] == unit for key in told)
    return sum(unit in units for units in told.values())


class Leads:
    """What was not in order goes to who is competent, and ends there (R41, R53, R54)."""

    def __init__(self, year: Year) -> None:
        self.year = year

    def compare_measures(self) -> int:
        """纪委 sees every measure that units reported (R41)."""
        model, today = self.year.model, self.year.today
        acts = [
            act
            for key in model.hits(today)
            if key in model.matters
            for act in model.matters[key].by(today)
        ]
        expected = sum(what == "measure" for _, what, _ in acts)
        office = LeadsClient(self.year.site.officer(OFFICERS[0]))
        measures = office.list_measures(REASON)
        assert len(measures) == expected
        assert not any(one.lead_id for one in measures)
        self._case = measures[0].case_id
        return expected

    def hand_over(self, unit: str) -> str:
        """A lead that 纪委 records goes to the unit's organ, which disposes of it; how it ended."""
        office = LeadsClient(self.year.site.officer(OFFICERS[0]))
        organ = LeadsClient(self.year.site.clerk(unit, "registry", DISCIPLINE_HEAD))
        lead = office.record(self._values(unit, "SOURCE_VERIFICATION"))
        assert lead.organ == "ORGAN_UNIT_ORGAN", lead.organ
        recipient, file = office.export(lead.lead_id)
        assert recipient == unit
        taken, sender, _ = organ.take_in(file)
        assert (taken.lead_id, sender) == (lead.lead_id, "jiwei")
        ended = ("DISPOSAL_FIRST_FORM", "NATURE_OMISSION", "谈话提醒，补报")
        for login, rule in ((WORKER, "R53"), (LEADER, "R53")):
            clerk = LeadsClient(self.year.site.clerk(unit, "registry", login))
            self.year.refused(rule, clerk.dispose, lead.lead_id, *ended)
        organ.dispose(lead.lead_id, *ended)
        _, back = organ.export(lead.lead_id, "jiwei")
        office.take_in(back)
        return office.get(lead.lead_id, REASON).state

    def keep(self, unit: str) -> str:
        """A lead of the unit's own organ that nobody disposes of."""
        organ = LeadsClient(self.year.site.clerk(unit, "registry", DISCIPLINE_ORGAN))
        return organ.record(self._values(unit, "SOURCE_UNIT_CHECK")).due_on

    def _values(self, unit: str, source: str) -> dict[str, object]:
        return {
            "ground": "GROUND_UNTRUE_REPORT",
            "source": source,
            "reference": self._case.hex(),
            "authority": "AUTHORITY_UNIT",
            "unit": unit,
            "about": "某干部",
            "summary": "亲属关系申报不全",
        }

"""The check of what was drawn: what the checker sees, the results, the end, the quota of the year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from libmatch.china_time import china_day
from services.chassis.identity import Identity
from services.chassis.refusals import Conflict, WrongState
from services.process.acting import Acting, Doing, Moment
from services.process.draws.desk import require_draw, same_quota
from services.process.draws.held import DrawState, HeldDraw
from services.process.draws.subjects import Fields, Subjects
from services.process.store import draws as store
from services.process.store import leads
from services.process.texts import refuse_numbers
from services.rules.checks import (
    CheckResult,
    CheckVerdict,
    Coverage,
    Quota,
    add_result,
    begin_check,
    cover,
    require_finished,
    results_due_on,
)
from services.rules.roles import Action
from services.rules.ruleset import RuleSet, RuleSets
from services.rules.violation import RuleViolation


@dataclass(frozen=True, repr=False)
class ShownItem:
    """A drawn item as its checker sees it. ``fields`` empty: it is no longer held."""

    item: bytes
    fields: Fields
    result: CheckResult | None


@dataclass(frozen=True)
class YearQuota:
    """A quota of a year with how much of it is checked; ``new``: items that no draw was made from."""

    quota: Quota
    coverage: Coverage
    new: int
    due_on: date
    overdue: bool


@dataclass(frozen=True, repr=False)
class Year:
    """The draws of a year, void ones too, and the quotas as they are now."""

    draws: tuple[HeldDraw, ...]
    quotas: tuple[YearQuota, ...]
    rules: RuleSet
    today: date

    def is_overdue(self, held: HeldDraw) -> bool:
        """Whether its results should have been recorded."""
        ended = held.state in (DrawState.FINISHED, DrawState.VOID)
        return not ended and held.due_on(self.rules) < self.today


class DrawChecks:
    """The checks of one service. Raises as ``DrawDesk`` does."""

    def __init__(self, acting: Acting, subjects: Subjects, rules: RuleSets) -> None:
        self._acting = acting
        self._subjects = subjects
        self._rules = rules

    def get(self, caller: Identity, draw_id: bytes) -> HeldDraw:
        """The draw, with all that is needed to draw again; for whoever may take part."""
        doing = Doing(caller, "get-draw", Action.JOIN_DRAW, draw_id)
        return self._acting.run(
            doing, lambda moment: require_draw(moment.session, draw_id), self._subjects.rule
        )

    def year(self, caller: Identity, year: int) -> Year:
        """The draws and quotas of a year."""
        doing = Doing(caller, "list-draws", Action.JOIN_DRAW)

        def run(moment: Moment) -> Year:
            today = china_day(moment.at)
            rules = self._rules.on(today)
            draws = tuple(store.read_draws(moment.session, year))
            quotas = self._subjects.quotas(moment.session, year, rules)
            due_on = results_due_on(year, rules)
            shown = (_cover(quota, draws, due_on, today) for quota in quotas)
            return Year(draws, tuple(shown), rules, today)

        return self._acting.run(doing, run, self._subjects.rule)

    def sum_up(self, held: HeldDraw) -> Year:
        """The frame in which one draw is shown to who has just made a step of it."""
        today = china_day(self._acting.now())
        return Year((held,), (), self._rules.on(today), today)

    def show(self, caller: Identity, draw_id: bytes, reason: str) -> list[ShownItem]:
        """The drawn items in the order of choice, a line of the trail for each (R63); for the checker."""
        doing = Doing(caller, "show-drawn-items", self._subjects.action, draw_id, reason)

        def run(moment: Moment) -> list[ShownItem]:
            held = require_draw(moment.session, draw_id)
            results = {result.item: result for result in held.results}
            fields = self._subjects.describe(moment.session, held.drawn)
            for item in held.drawn:
                look = replace(moment.trail, action="show-drawn-item", subject=item.hex())
                look.write(moment.session)
            return [ShownItem(i, fields.get(i, ()), results.get(i)) for i in held.drawn]

        return self._acting.run(doing, run, self._subjects.rule)

    def record(
        self,
        caller: Identity,
        draw_id: bytes,
        item: bytes,
        verdict: CheckVerdict,
        grounds: str,
        lead_id: bytes,
    ) -> HeldDraw:
        """Appends the result for a drawn item; ``lead_id`` is of a lead that was recorded here."""
        doing = Doing(caller, "record-check-result", self._subjects.action, draw_id)
        refuse_numbers(grounds, "抽查情况")

        def run(moment: Moment) -> HeldDraw:
            held = self._require_checking(moment, draw_id)
            if lead_id and not leads.has_lead(moment.session, lead_id):
                raise RuleViolation(
                    self._subjects.rule,
                    "no lead of that number is recorded here; record it first",
                    "本服务没有登记这个编号的问题线索，请先登记线索再登记抽查结果",
                )
            by, on = moment.actor.login, china_day(moment.at)
            result = CheckResult(item, verdict, grounds.strip(), by, on, lead_id.hex())
            check = replace(begin_check(held.quota, held.draw, moment.actor), results=held.results)
            checked = add_result(check, result, moment.actor)
            store.add_result(moment.session, draw_id, result)
            return replace(held, results=checked.results)

        def tell(_: HeldDraw) -> str:
            return f"{verdict.name.lower()} {item.hex()}"

        return self._acting.run(doing, run, self._subjects.rule, tell=tell)

    def finish(self, caller: Identity, draw_id: bytes) -> HeldDraw:
        """Closes the check, once every drawn item has a result."""
        doing = Doing(caller, "finish-draw", self._subjects.action, draw_id)

        def run(moment: Moment) -> HeldDraw:
            held = self._require_checking(moment, draw_id)
            require_finished(held.check)
            store.save_finished(moment.session, draw_id, moment.at)
            return replace(held, finished_at=moment.at)

        return self._acting.run(doing, run, self._subjects.rule)

    def _require_checking(self, moment: Moment, draw_id: bytes) -> HeldDraw:
        held = require_draw(moment.session, draw_id)
        if held.state is DrawState.FINISHED:
            raise Conflict("the check is closed", "该次抽查已经办结，不能再办理。")
        if held.state is not DrawState.CHECKING:
            raise WrongState("nothing was drawn yet", "尚未抽出对象，不能登记结果或办结。")
        return held


def _cover(quota: Quota, draws: Sequence[HeldDraw], due_on: date, today: date) -> YearQuota:
    of_it = [held for held in same_quota(draws, quota) if held.is_drawn]
    coverage = cover(quota, [held.check for held in of_it])
    seen = frozenset[bytes]().union(*(held.quota.population for held in of_it))
    overdue = due_on < today and coverage.short > 0
    return YearQuota(quota, coverage, len(quota.population - seen), due_on, overdue)

"""From a plan to a sample that nobody chose: plan, commit, reveal, void and repeat (R51, R52)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from libmatch.china_time import china_day
from libmatch.errors import EncodingError
from libmatch.sampling import (
    DIGEST_SIZE,
    Draw,
    Plan,
    Reveal,
    SampleError,
    add_commitment,
    add_reveal,
    plan_draw,
)
from services.chassis.identity import Identity
from services.chassis.refusals import Conflict, InvalidRequest, NotFound, WrongState
from services.process.acting import Acting, Doing, Moment
from services.process.draws.held import DRAW_ID_SIZE, DrawState, HeldDraw
from services.process.draws.subjects import Subjects, find_quota
from services.process.store import draws as store
from services.process.store.trail import Transaction
from services.rules.checks import CheckKind, Quota
from services.rules.roles import Action
from services.rules.ruleset import RuleSets
from services.rules.violation import RuleViolation

WAIT = timedelta(days=3)
"""How long a party may be silent before others may void a draw. Sooner, a planner could leave out an
honest party whenever he likes; a party may give up at once."""


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to draw. ``percent`` 0: the least by the rules; ``unit`` "": the only one."""

    kind: CheckKind
    year: int
    unit: str
    parties: tuple[str, ...]
    percent: int = 0


class DrawDesk:
    """The draws of one service. Each step gives the draw as it then is.

    Raises RuleViolation, NotFound, Conflict, WrongState or InvalidRequest; then nothing is kept.
    """

    def __init__(
        self,
        acting: Acting,
        subjects: Subjects,
        rules: RuleSets,
        random: Callable[[int], bytes],
    ) -> None:
        self._acting = acting
        self._subjects = subjects
        self._rules = rules
        self._random = random

    def plan(self, caller: Identity, wanted: Wanted) -> HeldDraw:
        """Fixes items, percentage and parties. What an earlier draw was made from is not in it again."""
        doing = Doing(caller, "plan-draw", self._subjects.action)
        draw_id = new_draw_id(self._random)

        def run(moment: Moment) -> HeldDraw:
            quota, number = self._remaining(moment, wanted)
            percent = wanted.percent or quota.percent
            if not quota.percent <= percent <= 100:
                raise _too_few(self._subjects.rule, quota.percent)
            title = f"{quota.title} {self._subjects.scope_zh} #{number}"
            plan = plan_draw(title, quota.population, percent, wanted.parties)
            held = _planned(draw_id, quota, plan, moment, None)
            store.add_draw(moment.session, held)
            return held

        check = partial(self._subjects.check_parties, wanted.parties)
        return self._acting.run(doing, run, self._subjects.rule, check)

    def _remaining(self, moment: Moment, wanted: Wanted) -> tuple[Quota, int]:
        """What no draw of the year was made from, and the number of the next draw."""
        today, rule = china_day(moment.at), self._subjects.rule
        if wanted.year > today.year:
            raise RuleViolation(
                rule, "that year has not begun", "该年度尚未开始，不能抽查，请核对年度"
            )
        quotas = self._subjects.quotas(moment.session, wanted.year, self._rules.on(today))
        quota = find_quota(quotas, wanted.kind, wanted.unit, rule)
        earlier = same_quota(store.read_draws(moment.session, wanted.year), quota)
        _require_none_open(moment.session, earlier)
        drawn_from = [held.quota.population for held in earlier if held.is_drawn]
        left = quota.population.difference(*drawn_from)
        if not left:
            raise RuleViolation(
                rule,
                "every item of the year was in a draw already; nothing has come since",
                "该年度的对象均已参加抽取，其后没有新增，无须再次抽取",
            )
        number = 1 + sum(held.replaces is None for held in earlier)
        return replace(quota, population=left), number

    def commit(self, caller: Identity, draw_id: bytes, commitment: bytes) -> HeldDraw:
        """The caller's commitment, 32 bytes."""
        party = self._subjects.party_of(caller)
        if len(commitment) != DIGEST_SIZE:
            raise InvalidRequest("a commitment has 32 bytes", "承诺应为32字节，请升级软件后重试。")
        doing = Doing(caller, "commit-draw", Action.JOIN_DRAW, draw_id)
        return self._move(doing, lambda draw: add_commitment(draw, party, commitment))

    def reveal(self, caller: Identity, draw_id: bytes, nonce: bytes, value: bytes) -> HeldDraw:
        """What the caller committed to. With the last one it is known what is drawn."""
        try:
            reveal = Reveal(self._subjects.party_of(caller), nonce, value)
        except EncodingError:
            text = "揭示的内容长度不正确，请使用承诺时保存的文件。"
            raise InvalidRequest(
                "a reveal is a nonce of 32 bytes and a value of 1 to 64", text
            ) from None
        doing = Doing(caller, "reveal-draw", Action.JOIN_DRAW, draw_id)
        return self._move(doing, lambda draw: add_reveal(draw, reveal))

    def _move(self, doing: Doing, change: Callable[[Draw], Draw]) -> HeldDraw:
        def run(moment: Moment) -> HeldDraw:
            held = require_draw(moment.session, doing.subject)
            if held.state is DrawState.VOID:
                raise _is_void()
            moved = replace(held, draw=change(held.draw), moved_at=moment.at)
            store.save_moved(moment.session, held.draw_id, moved.draw, moment.at)
            return moved

        return self._acting.run(doing, run, self._subjects.rule)

    def void(self, caller: Identity, draw_id: bytes, reason: str) -> HeldDraw:
        """Ends a draw whose parties are silent for ``WAIT``, or one of whose awaited parties gives up."""
        party = self._subjects.party_of(caller)
        doing = Doing(caller, "void-draw", Action.JOIN_DRAW, draw_id, reason)

        def run(moment: Moment) -> HeldDraw:
            held = require_draw(moment.session, draw_id)
            if held.state is DrawState.VOID:
                raise _is_void()
            if held.is_drawn:
                raise SampleError(
                    "every party has revealed", "各方均已揭示，抽查结果有效，不能作废"
                )
            if party not in held.missing and moment.at < held.moved_at + WAIT:
                raise _wait(self._subjects.rule, held)
            store.save_voided(moment.session, draw_id, moment.at)
            return replace(held, voided_at=moment.at)

        return self._acting.run(doing, run, self._subjects.rule)

    def repeat(self, caller: Identity, draw_id: bytes, more: Sequence[str]) -> HeldDraw:
        """Draws from the items of a void draw again, without those who were missing."""
        doing = Doing(caller, "repeat-draw", self._subjects.action, draw_id)
        repetition_id = new_draw_id(self._random)

        def check() -> None:
            read = self._acting.database.read
            old = read(lambda session: require_draw(session, draw_id))
            self._subjects.check_parties(_parties_again(old, more))

        def run(moment: Moment) -> HeldDraw:
            held = require_draw(moment.session, draw_id)
            if held.state is not DrawState.VOID:
                raise WrongState("the draw is not void", "该次抽取没有作废，不能重抽。")
            if store.find_repetition(moment.session, draw_id) is not None:
                raise Conflict("repeated already", "该次抽取已经重抽，不能再次重抽。")
            parties, digest = _parties_again(held, more), held.draw.plan.digest
            plan = replace(held.draw.plan, parties=parties, replaces=digest)
            repetition = _planned(repetition_id, held.quota, plan, moment, draw_id)
            store.add_draw(moment.session, repetition)
            return repetition

        return self._acting.run(doing, run, self._subjects.rule, check)


def require_draw(session: Transaction, draw_id: bytes) -> HeldDraw:
    """The draw. Raises NotFound."""
    held = store.read_draw(session, draw_id)
    if held is None:
        raise NotFound("no such draw", "没有这个编号的抽查。")
    return held


def same_quota(draws: Sequence[HeldDraw], quota: Quota) -> list[HeldDraw]:
    """Those of ``draws`` that are of the same kind, unit and year."""
    key = (quota.kind, quota.unit, quota.year)
    return [d for d in draws if (d.quota.kind, d.quota.unit, d.quota.year) == key]


def new_draw_id(random: Callable[[int], bytes]) -> bytes:
    """An unused opaque id: 16 random bytes whose hex has a letter (never shaped like a number)."""
    while (draw_id := random(DRAW_ID_SIZE)).hex().isdecimal():
        continue
    return draw_id


def _parties_again(void: HeldDraw, more: Sequence[str]) -> tuple[str, ...]:
    """Those who were not missing, and others."""
    return tuple(sorted({*void.draw.plan.parties, *more}.difference(void.missing)))


def _planned(
    draw_id: bytes, quota: Quota, plan: Plan, moment: Moment, replaces: bytes | None
) -> HeldDraw:
    who, at = moment.actor.login, moment.at
    return HeldDraw(draw_id, quota, Draw(plan), who, at, at, replaces)


def _require_none_open(session: Transaction, earlier: Sequence[HeldDraw]) -> None:
    """One at a time: who could plan several and go on with one would have chosen."""
    for held in earlier:
        if held.state in (DrawState.COMMITTING, DrawState.REVEALING):
            raise Conflict(
                "a draw is under way", "同一类抽查还有未完成的抽取，请先完成或依规作废（规则R51）。"
            )
        if held.state is DrawState.VOID and store.find_repetition(session, held.draw_id) is None:
            raise Conflict(
                "a void draw is to be repeated", "此前作废的抽取尚未重抽，请先按原总体重抽。"
            )


def _is_void() -> WrongState:
    return WrongState("the draw is void", "该次抽取已作废，请在重抽中办理。")


def _wait(rule: str, held: HeldDraw) -> RuleViolation:
    days, names = WAIT.days, "、".join(held.missing)
    return RuleViolation(
        rule,
        f"a draw is void only after {days} days of silence, or when an awaited party gives up",
        f"正在等待{names}；自最近一次办理起满{days}天，或由其本人申明无法办理，才能作废",
    )


def _too_few(rule: str, percent: int) -> RuleViolation:
    return RuleViolation(
        rule, f"{percent} to 100 % are drawn", f"抽查比例应为{percent}%至100%，请重新填写"
    )

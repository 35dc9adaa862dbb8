"""What people do with a matter, each step as one call (R36 to R48)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from libmatch.china_time import china_day
from libmatch.records import Side
from services.chassis.identity import Identity
from services.holder.material import Material
from services.holder.matters.acting import ActOnMatters, Doing, MakeStep, Moment
from services.holder.matters.facts import CaseFacts, FactsOf, make_public_notice
from services.holder.matters.posted import notice_to_json
from services.holder.store import matters as store
from services.process.texts import refuse_numbers
from services.rules.matter_facts import Measure, Recipient, Verdict, require_reason
from services.rules.matter_steps import (
    Because,
    Conclude,
    Event,
    Inform,
    Object,
    Post,
    Step,
    Take,
    TakeDown,
    TakeMeasure,
)
from services.rules.public_notice import Hotline
from services.rules.publication import Place
from services.rules.roles import Action
from services.rules.ruleset import RuleSets
from services.rules.violation import RuleViolation

_OLDEST = date(1900, 1, 1)


@dataclass(frozen=True)
class At:
    """A case (16 bytes) and the version of it that the person has seen."""

    case_id: bytes
    version: int


@dataclass(frozen=True)
class Finding:
    """What a verification came to. ``verified_by`` "": the login that took the matter."""

    verdict: Verdict
    grounds: str
    verified_by: str = ""
    replaces_because: str = ""


class MatterDesk:
    """The steps of one unit on one side. Each raises RuleViolation, NotFound or Conflict."""

    def __init__(
        self,
        act: ActOnMatters,
        material: Material,
        rules: RuleSets,
        facts: FactsOf,
        wake: Callable[[], None],
    ) -> None:
        self._act = act
        self._material = material
        self._rules = rules
        self._facts = facts
        self._wake = wake

    @property
    def place(self) -> Place:
        """Where this unit posts: at the official's unit, or for the village (R43)."""
        declares = self._material.side is Side.REGISTRY
        return Place.OFFICIAL_UNIT if declares else Place.VILLAGE

    def inform(self, caller: Identity, at: At, recipient: Recipient, reference: str) -> None:
        """The hit reached the official, with a receipt (R36)."""
        self._step(Doing(caller, "inform", Action.READ_HITS), at, Inform(recipient, reference))

    def take(self, caller: Identity, at: At) -> None:
        """The caller begins to verify (R38)."""
        self._step(Doing(caller, "take-matter", Action.VERIFY), at, Take())

    def conclude(self, caller: Identity, at: At, finding: Finding) -> None:
        """The caller signs what was found, with the unit's key (R39, R40, R48)."""
        doing = Doing(caller, "record-outcome", Action.SIGN_OUTCOME)
        refuse_numbers(finding.grounds, "核查依据")
        refuse_numbers(finding.replaces_because, "更正理由")
        self._run(doing, at, lambda moment: self._sign(moment, finding))

    def _sign(self, moment: Moment, finding: Finding) -> Conclude:
        by = finding.verified_by or moment.matter.taken_by
        unsigned = Conclude(finding.verdict, finding.grounds, by, b"", finding.replaces_because)
        message = unsigned.message(moment.matter.matter_id, moment.actor, moment.at)
        return replace(unsigned, signature=self._material.holder.signing_key.sign(message))

    def measure(self, caller: Identity, at: At, measure: Measure) -> None:
        """What was done about an item that is not compliant (R41)."""
        doing = Doing(caller, "record-measure", Action.SIGN_OUTCOME)
        refuse_numbers(measure.detail, "处理内容")
        refuse_numbers(measure.told, "告知内容")
        if measure.detail:
            require_reason(measure.detail, "R41", "处理内容")
        self._step(doing, at, TakeMeasure(measure))

    def post(
        self,
        caller: Identity,
        at: At,
        hotlines: tuple[Hotline, Hotline],
        remark: str,
        born: date | None = None,
    ) -> None:
        """Annex 3 is posted in this unit's own place; its content is kept for portals (R44, R46).

        ``born``: the beneficiary's date of birth where the record tells none.
        """
        number, doing = uuid.uuid4(), Doing(caller, "post", Action.PUBLISH)

        def make(moment: Moment) -> Post:
            facts = self._facts_of(moment)
            day = _birthday(facts.born, born, china_day(moment.at))
            return self._post(moment, replace(facts, born=day), number, hotlines, remark)

        self._run(doing, at, make)

    def _facts_of(self, moment: Moment) -> CaseFacts:
        facts = self._facts(moment.session, moment.case.notice_id)
        if facts is None:
            raise RuleViolation(
                "R44",
                "the unit's own record behind this matter is gone; enter it again",
                "本单位的原始记录已不存在，无法生成公示表，请先核对录入的数据",
            )
        return facts

    def _post(
        self,
        moment: Moment,
        facts: CaseFacts,
        number: uuid.UUID,
        hotlines: tuple[Hotline, Hotline],
        remark: str,
    ) -> Post:
        rules = self._rules.get(moment.matter.rules_version)
        day, unit = china_day(moment.at), self._material.display_name
        content = make_public_notice(
            facts, number, self.place, unit, hotlines, day, rules, remark=remark
        )
        text = json.dumps(notice_to_json(content), ensure_ascii=False)
        kept = (number.bytes, moment.matter.matter_id, content.digest, text)
        store.add_public_notice(moment.session, *kept)
        return Post(self.place, content.digest)

    def take_down(self, caller: Identity, at: At) -> None:
        """The notice in this unit's own place is taken down (R45)."""
        self._step(Doing(caller, "take-down", Action.PUBLISH), at, TakeDown(self.place))

    def dispute(self, caller: Identity, at: At, reason: str) -> None:
        """The caller doubts that the hit is right; 纪委 looks into it and confirms (R38)."""
        step = Because(Event.DISPUTE, reason)
        self._step(Doing(caller, "dispute-match", Action.VERIFY), at, step)

    def object(self, caller: Identity, at: At, reference: str) -> None:
        """Somebody objects to the publication (R48)."""
        require_reason(reference, "R48", "异议登记编号")
        doing = Doing(caller, "record-objection", Action.RECORD_OBJECTION)
        self._step(doing, at, Object(reference))

    def _step(self, doing: Doing, at: At, step: Step) -> None:
        self._run(doing, at, lambda _: step)

    def _run(self, doing: Doing, at: At, make: MakeStep) -> None:
        self._act.run(doing, at.case_id, at.version, make)
        self._wake()


def _birthday(known: date | None, stated: date | None, today: date) -> date:
    """When the beneficiary was born, by the number or else as stated. RuleViolation R44."""
    born = known or stated
    if born is None:
        raise RuleViolation(
            "R44",
            "the number tells no date of birth; state it from the document (born_on)",
            "受益人证件号码不含出生日期，无法判断姓名是否须遮盖；"
            "请核对证件后填写受益人出生日期（--born 1980-01-31）再公示",
        )
    if stated is not None and stated != born:
        raise RuleViolation(
            "R44",
            "the number tells another date of birth; leave the stated one out",
            "填写的出生日期与受益人证件号码不符，请核对；证件号码含出生日期的不必填写",
        )
    if not _OLDEST <= born <= today:
        raise RuleViolation(
            "R44", "nobody was born then; correct the date", "受益人出生日期不正确，请核对"
        )
    return born

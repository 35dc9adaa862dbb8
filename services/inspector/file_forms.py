"""纪委 files the staff forms that units hand in (R57): by number and day, without the form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from libmatch.china_time import china_day
from services.chassis.identity import Identity
from services.chassis.observe import scrub_text
from services.chassis.refusals import InvalidRequest
from services.inspector.store.filings import FiledForm, Filings
from services.inspector.store.trail import Trail
from services.rules.violation import RuleViolation

_LONGEST = 60


@dataclass(frozen=True)
class FileForms:
    """The register of staff forms. ``names``: units as people see them, at the moment."""

    filings: Filings
    names: Callable[[], dict[str, str]]
    now: Callable[[], datetime]

    def record(self, officer: Identity, form: FiledForm) -> None:
        """Keeps the filing. Raises InvalidRequest; RuleViolation R57, R7."""
        number = form.number
        if not 0 < len(number) <= _LONGEST or scrub_text(number) != number:
            zh = f"备案号须填写，最多{_LONGEST}字，且不得形似证件号码或电话号码。"
            raise InvalidRequest("a filing has a number", zh)
        if form.unit not in self.names():
            raise RuleViolation(
                "R7",
                "no reporting unit of that name; correct it",
                "没有这个申报单位，请核对单位代码",
            )
        if form.filed_on > china_day(self.now()):
            raise RuleViolation(
                "R57",
                "a form is filed today or earlier; correct the date",
                "备案日期不能晚于今天，请核对",
            )
        self.filings.record(form, Trail(self.now(), officer, "filing.record"))

    def list_all(self) -> list[FiledForm]:
        """All that is filed, by unit and post."""
        return self.filings.read()

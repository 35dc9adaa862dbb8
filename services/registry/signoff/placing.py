"""Who signs a version: by the official's post and unit, which the worker states (R22). Pure.

The form says 职务 in the official's own words, which do not tell a head of the party organisation from
a member of the leading group with certainty: the worker states the post. The unit follows from 单位
where it is the name of a unit of the district; otherwise the official is one of this unit's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.process.district_data import DistrictData
from services.registry.signoff.versions import Placing
from services.rules.reporting import Person, Post, check_post, receivers, require_receiver
from services.rules.signing import SigningRight, signing_right
from services.rules.violation import RuleViolation


@dataclass(frozen=True)
class Placer:
    """Places officials who report to ``unit`` among the units of the district."""

    unit: str
    district: DistrictData

    def right(self, placing: Placing, form_unit: str, on: date) -> SigningRight:
        """Who may sign for an official so placed, whose form says ``form_unit``.

        RuleViolation R22 where nobody stated the post or the unit is ambiguous; R5, R7, R9 and R13 on
        a post or unit that cannot be.
        """
        if placing.post is None:
            posts = "、".join(Post)
            raise RuleViolation(
                "R22",
                "who signs depends on the official's post; the worker states it",
                f"尚未登记人员类别，不能确定由谁签署，请工作人员登记（可选：{posts}）",
            )
        rules, units = self.district.rules(on), self.district.units
        person = Person(placing.unit or self._unit_named(form_unit, on), placing.post)
        check_post(person, units.get(person.unit, on))
        require_receiver(self.unit, receivers(person, units, rules, on))
        return signing_right(person, units, rules, on)

    def _unit_named(self, name: str, on: date) -> str:
        """The unit with that display name that reports here; else the only other one that bears it, which
        has a receiver of its own (R8); else the own unit.
        """
        units = self.district.units
        named = [unit.name for unit in units.units(on) if unit.display == name.strip()]
        below = [one for one in named if units.receiver(one, on).name == self.unit]
        if len(below) > 1:
            raise RuleViolation(
                "R22",
                "several units bear the name that the form gives; state which one is meant",
                "有不止一个单位叫报告表所填的名称，请工作人员登记所在单位的标识",
            )
        if below or len(named) != 1:
            return below[0] if below else self.unit
        return named[0]

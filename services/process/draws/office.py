"""Everything about random checks in one service, wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.process.acting import Acting
from services.process.draws.checking import DrawChecks
from services.process.draws.desk import DrawDesk
from services.process.draws.subjects import Subjects
from services.rules.ruleset import RuleSets


@dataclass(frozen=True)
class DrawOffice:
    """What people see and do."""

    desk: DrawDesk
    checks: DrawChecks
    subjects: Subjects


def make_draws(
    acting: Acting, subjects: Subjects, rules: RuleSets, random: Callable[[int], bytes]
) -> DrawOffice:
    """The random checks of one service. ``random`` gives opaque ids, no part of any seed."""
    desk = DrawDesk(acting, subjects, rules, random)
    return DrawOffice(desk, DrawChecks(acting, subjects, rules), subjects)

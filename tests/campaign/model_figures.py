"""The figures and deadlines that must come of the plain model (R49, R55, R57 to R60)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from tests.campaign.model import (
    DECLARATIONS_DUE,
    FIRST_PUBLICATION_DUE,
    ITEMS_DUE,
    STAFF_FORMS_DUE,
    VERIFY,
    Course,
    Key,
    Matter,
    Model,
)

_TO_VERIFY = ("NOTIFIED", "VERIFYING", "DISPUTED", "OBJECTED")


def matter_figures(model: Model, keys: Iterable[Key], day: date) -> dict[str, int]:
    """Counts of these matters as R39 and R55 ask, by the names of the figures."""
    told = [key for key in keys if key in model.matters]
    live = [key for key in told if key in model.hits(day)]
    courses = {key: Course(model.matters[key].by(day), day) for key in live}
    first = {key: _first_outcome(model.matters[key], day) for key in live}
    last = {
        key: (course.confirmed or model.matters[key].notified) + VERIFY
        for key, course in courses.items()
    }
    late = [key for key in live if model.is_overdue(key, day)]
    states = [course.state for course in courses.values()]
    published = sum(course.is_published for course in courses.values())
    return {
        "notified": len(live),
        "verified": sum(on is not None for on in first.values()),
        "verified_late": sum(on is not None and on > last[key] for key, on in first.items()),
        "overdue": sum(on is None and day > last[key] for key, on in first.items()),
        "overdue_steps": sum(bool(courses[key].verdicts) for key in late),
        "compliant": sum(bool(c.verdicts) and c.verdicts[-1][1] for c in courses.values()),
        "not_compliant": sum(bool(c.verdicts) and not c.verdicts[-1][1] for c in courses.values()),
        "measured": states.count("MEASURED"),
        "leads": sum(_count(model.matters[key], day, "measure") for key in live),
        "publishing": states.count("PUBLISHING"),
        "published": published,
        "objected": sum(bool(course.objections) for course in courses.values()),
        "withdrawn": len(told) - len(live),
    }


def _first_outcome(matter: Matter, day: date) -> date | None:
    return min((on for on, what, _ in matter.by(day) if what == "conclude"), default=None)


def _count(matter: Matter, day: date, what: str) -> int:
    return sum(act == what for _, act, _ in matter.by(day))


def filing_figures(model: Model, unit: str, day: date) -> dict[str, int]:
    """The unit's officials: who had to file, who has, who was late (R58)."""
    entered = [
        declared.versions[0][0] for (own, _), declared in model.declared.items() if own == unit
    ]
    filed = [on for on in entered if on <= day]
    late = sum(on > DECLARATIONS_DUE for on in filed)
    return {"expected": len(entered), "filed": len(filed), "filed_late": late}


def concerning(model: Model, unit: str, day: date) -> dict[str, int]:
    """Matters about the unit's own officials, and how many officials these are."""
    own = [key for key, units in model.hits(day).items() if unit in units and key in model.matters]
    return {"concerning": len(own), "officials": len({key[0] for key in own})}


def late_units(
    model: Model, units: Iterable[str], day: date, *, declared_alone: bool = False
) -> set[tuple[str, str, int]]:
    """(unit, rule, days late) of what is late on that day or was finished late (R57 to R60).

    ``declared_alone``: as the matters of the unit's own officials tell, which is what its registry has.
    """
    found = set()
    for unit in units:
        for rule, due, done in _steps(model, unit, day, declared_alone=declared_alone):
            late = ((done if done is not None and done <= day else day) - due).days
            if late > 0:
                found.add((unit, rule, late))
    return found


def _steps(
    model: Model, unit: str, day: date, *, declared_alone: bool
) -> list[tuple[str, date, date | None]]:
    declared = model.submitted.get((unit, "registry"))
    listed = model.submitted.get((unit, "beneficiary"))
    own = {k: m for k, m in model.matters.items() if not declared_alone or unit in m.declared_by}
    published = _first_publication(own, model.hits(day), unit, day, declared or listed)
    steps = [
        ("R57", STAFF_FORMS_DUE, model.forms_filed.get(unit)),
        ("R58", DECLARATIONS_DUE, declared),
        ("R60", FIRST_PUBLICATION_DUE, published),
    ]
    return [*steps, ("R59", ITEMS_DUE, listed)] if unit in model.approvers else steps


def _first_publication(
    matters: dict[Key, Matter],
    hits: dict[Key, set[str]],
    unit: str,
    day: date,
    submitted: date | None,
) -> date | None:
    """The unit's first posting in its own place; without anything to post, when it was matched (R60)."""
    posted, wanted = [], False
    for key, matter in matters.items():
        places = _places(key, unit, hits.get(key, set()) or matter.declared_by)
        acts = matter.by(day)
        posted += [on for on, what, how in acts if what == "post" and how in places]
        course = Course(acts, day)
        compliant = bool(course.verdicts) and course.verdicts[-1][1]
        open_still = key in hits and (compliant or course.state in _TO_VERIFY)
        wanted = wanted or (bool(places) and open_still)
    return min(posted) if posted else None if wanted else submitted


def _places(key: Key, unit: str, declared_by: set[str]) -> set[str]:
    """Where that unit posts this matter (R43)."""
    places = {"village"} if key[2] == unit else set()
    return places | ({"official_unit"} if unit == min(declared_by, default="") else set())

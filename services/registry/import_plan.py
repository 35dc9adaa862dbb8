"""What an import changes: the declarations of a file against what the registry holds. Pure.

A relative is the same by (official, identifier, relation). Blank cells never erase what was declared
before. What a later file leaves out stays, and is told: withdrawing is a decision of its own. A
changed name, post or unit is a correction: a new record, then the withdrawal of the old one. What
is not signed does not move on (R19): it is kept, and sealed once a signed form comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from libmatch.relations import Relation
from services.chassis.sheets import Notice, Position
from services.holder.imports import filled
from services.registry.declaration_records import Declaration, Official, Relative
from services.registry.entries import ImportPlan, Known, OfficialEntry, RelativeEntry

_OFFICIAL_FIELDS = (
    *("name", "sex", "political", "unit", "post", "rank", "work", "discipline"),
    *("household", "phone"),
)
_RELATIVE_FIELDS = ("name", "sex", "political", "unit", "post", "phone", "household", "remark")


def plan_import(
    declarations: Sequence[Declaration], known: Known, new_ref: Callable[[], bytes]
) -> ImportPlan:
    """The plan for a whole file. ``new_ref`` gives unused references of 16 bytes."""
    plan = ImportPlan()
    for declaration in declarations:
        held = known.officials.get(declaration.official.identifier)
        if held is None:
            _plan_new(plan, declaration, known, new_ref)
        elif not held.unsigned and _comes_unsigned(declaration):
            plan.unchanged += 1 + len(declaration.relatives)
            text = "本次申报没有签字或没有日期，变更内容没有录入，请补签后重新导入"
            _tell(plan, declaration.position, text)
        else:
            official = _told(held, declaration)
            if official != held:
                plan.changed_officials.append(official)
            relatives = known.relatives.get(held.ref, ())
            _Relatives(plan, declaration, held, official, relatives, new_ref).run()
    return plan


def _plan_new(
    plan: ImportPlan, declaration: Declaration, known: Known, new_ref: Callable[[], bytes]
) -> None:
    reporter = declaration.official
    blank = OfficialEntry(new_ref(), reporter.identifier, reporter.name)
    official = _told(blank, declaration)
    plan.new_officials.append(official)
    if reporter.name in known.names_of_others:
        text = "已有同名报告人，证件号码不同；如果是更正号码，请撤回原来的申报"
        _tell(plan, reporter.position, text)
    _Relatives(plan, declaration, official, official, (), new_ref).run()


def _comes_unsigned(declaration: Declaration) -> bool:
    return declaration.pledge is not None and not declaration.pledge.complete


def _told(held: OfficialEntry, declaration: Declaration) -> OfficialEntry:
    """The official as held, with what the declaration says of him and with its pledge (R19)."""
    official = filled(held, _values(declaration.official, _OFFICIAL_FIELDS))
    official = filled(official, {"opinion": declaration.opinion})
    pledge = declaration.pledge
    if pledge is None:
        return official
    official = filled(official, {"signer": pledge.signer, "signed_on": pledge.signed_on})
    return replace(official, unsigned=not pledge.complete)


class _Relatives:
    """The relatives of one declaration against those held of the official.

    ``held`` and ``official``: the official before and after; the same one where he is new.
    """

    def __init__(
        self,
        plan: ImportPlan,
        declaration: Declaration,
        held: OfficialEntry,
        official: OfficialEntry,
        relatives: Sequence[RelativeEntry],
        new_ref: Callable[[], bytes],
    ) -> None:
        self._plan = plan
        self._position = declaration.position
        self._told = [_own_record(declaration.official), *declaration.relatives]
        self._held = held
        self._official = official
        self._relatives = relatives
        self._new_ref = new_ref
        self._met: set[bytes] = set()
        self._added: list[Relative] = []
        self._changed: set[bytes] = set()
        self._enter: set[bytes] = set()

    def run(self) -> None:
        """Adds to the plan what this declaration changes."""
        for told in self._told:
            found = self._find(told)
            if found is None:
                self._add(told)
            else:
                self._met.add(found.ref)
                self._compare(found, told)
        before, after = self._held, self._official
        if before != after:
            self._changed |= {r.ref for r in self._relatives if r.relation is Relation.SELF}
        if before.sealed_part != after.sealed_part or (before.unsigned and not after.unsigned):
            self._enter |= {r.ref for r in self._relatives if _is_matched(r)}
        if not after.unsigned:
            self._plan.enter += self._enter
            self._changed |= self._enter
        self._plan.changed += len(self._changed)
        self._plan.unchanged += len(self._met - self._changed)
        for told in self._added:
            self._tell_of_double(told)
        self._tell_of_missing()

    def _find(self, told: Relative) -> RelativeEntry | None:
        """The held relative that is meant: by number and relation, else one without a number."""
        free = [
            r for r in self._relatives if r.relation is told.relation and r.ref not in self._met
        ]
        if told.identifier is not None:
            for relative in free:
                if relative.identifier == told.identifier:
                    return relative
            free = [r for r in free if r.identifier is None and not r.withdrawn]
        same_name = [r for r in free if r.name == told.name and not (r.withdrawn and r.identifier)]
        return min(same_name, key=lambda r: r.identifier is not None, default=None)

    def _add(self, told: Relative) -> None:
        entry = RelativeEntry(
            ref=self._new_ref(),
            official=self._official.ref,
            relation=told.relation,
            identifier=told.identifier,
            name=told.name,
        )
        self._plan.new_relatives.append(filled(entry, _values(told, _RELATIVE_FIELDS)))
        self._plan.new += 1
        if told.identifier is not None and not self._official.unsigned:
            self._plan.enter.append(entry.ref)
        self._added.append(told)

    def _compare(self, held: RelativeEntry, told: Relative) -> None:
        entry = filled(held, _values(told, _RELATIVE_FIELDS))
        if held.withdrawn:
            entry = replace(entry, withdrawn=False)
            _tell(self._plan, told.position, "该亲属已撤回，本次又有申报，已重新参加比对")
        if held.identifier is None and told.identifier is not None:
            entry = replace(entry, identifier=told.identifier)
        if entry == held:
            return
        self._plan.changed_relatives.append(entry)
        self._changed.add(entry.ref)
        sealed_before = (held.name, held.identifier, held.withdrawn)
        if (entry.name, entry.identifier, entry.withdrawn) != sealed_before and _is_matched(entry):
            self._enter.add(entry.ref)

    def _tell_of_double(self, told: Relative) -> None:
        """A new relative who may be a correction of one that is held: the clerk decides."""
        others = [r for r in self._relatives if not r.withdrawn and r.ref not in self._met]
        if told.identifier is None:
            return
        if any(r.name == told.name and r.relation is told.relation for r in others):
            text = "同名同关系的亲属原以另一证件号码申报，两条都参加比对；如果是更正号码，请撤回原来那条"
            _tell(self._plan, told.position, text)
        if any(r.identifier == told.identifier for r in others):
            text = "该亲属原以另一亲属关系申报，两条都参加比对；如果是更正关系，请撤回原来那条"
            _tell(self._plan, told.position, text)

    def _tell_of_missing(self) -> None:
        left_out = [r.ref for r in self._relatives if not r.withdrawn and r.ref not in self._met]
        self._plan.left_out += left_out
        if left_out:
            text = f"原来申报的亲属有{len(left_out)}名不在本表中，仍然保留；确实不再是亲属的，请办理撤回"
            _tell(self._plan, self._position, text)


def _own_record(official: Official) -> Relative:
    """The official himself as the first of his relatives, relation 本人 (R16)."""
    return Relative(
        identifier=official.identifier,
        name=official.name,
        sex=official.sex,
        relation=Relation.SELF,
        political="",
        unit="",
        post="",
        phone="",
        household="",
        remark="",
        position=official.position,
    )


def _is_matched(relative: RelativeEntry) -> bool:
    return relative.identifier is not None and not relative.withdrawn


def _values(told: Official | Relative, names: Sequence[str]) -> dict[str, object]:
    return {name: getattr(told, name) for name in names}


def _tell(plan: ImportPlan, position: Position, text: str) -> None:
    plan.notices.append(Notice(position.sheet, position.row, text))

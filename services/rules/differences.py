"""What differs between two versions of a declaration, and what is matched again for it (R20)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.rules.declaration import Declaration, Relative

_REPORTER = {
    "identifier": "证件号码",
    "name": "姓名",
    "sex": "性别",
    "political": "政治面貌",
    "unit": "单位",
    "post": "职务",
    "rank": "职级",
    "work": "具体工作",
    "discipline": "是否纪检干部",
    "household": "户籍地址",
    "phone": "手机号码",
}
_RELATIVE = {
    "name": "姓名",
    "sex": "性别",
    "relation": "亲属关系",
    "political": "政治面貌",
    "unit": "单位",
    "post": "职务",
    "identifier": "证件号码",
    "phone": "手机号码",
    "household": "户籍地址",
    "remark": "备注",
    "unknown": "号码不详的原因和期限",
}
_SEALED_OF_REPORTER = frozenset({"证件号码", "姓名", "单位", "职务"})
"""What is sealed with every relative: when it changes, all of them are submitted anew."""
_SEALED_OF_RELATIVE = frozenset({"证件号码", "姓名", "亲属关系"})


@dataclass(frozen=True, repr=False)
class Changed:
    """One relative before and after, and the Chinese names of the fields that differ."""

    before: Relative
    after: Relative
    fields_zh: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Differences:
    """What differs between two versions; false where nothing does. ``reporter``: names of fields."""

    added: tuple[Relative, ...]
    removed: tuple[Relative, ...]
    changed: tuple[Changed, ...]
    reporter: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.reporter)


@dataclass(frozen=True, repr=False)
class Rematch:
    """Relatives to submit, and then those to withdraw, so that nobody is unmatched in between (R20).

    ``official``: the official's own record (R16) is submitted anew as well.
    """

    submit: tuple[Relative, ...]
    withdraw: tuple[Relative, ...]
    official: bool


def compare(before: Declaration, after: Declaration) -> Differences:
    """What differs. The same relative: the same identifier, or else the same name and relation.

    By the second a number that became known, or was mistyped, is a change and nobody's coming or going.
    """
    pairs, removed, added = _pair(before.relatives, after.relatives, _by_identifier)
    more, removed, added = _pair(removed, added, _by_name)
    changed = (Changed(old, new, _differing(old, new, _RELATIVE)) for old, new in (*pairs, *more))
    return Differences(
        added,
        removed,
        tuple(change for change in changed if change.fields_zh),
        _differing(before.reporter, after.reporter, _REPORTER),
    )


def matched_again(before: Declaration, after: Declaration) -> Rematch:
    """What a new version sends to the matcher (R20): past and open items meet it again (R37)."""
    differences = compare(before, after)
    official = bool(_SEALED_OF_REPORTER & set(differences.reporter))
    if official:
        return Rematch(_known(after.relatives), _known(before.relatives), True)
    sealed = [c for c in differences.changed if _SEALED_OF_RELATIVE & set(c.fields_zh)]
    return Rematch(
        _known((*differences.added, *(change.after for change in sealed))),
        _known((*differences.removed, *(change.before for change in sealed))),
        False,
    )


_Pairs = tuple[list[tuple[Relative, Relative]], tuple[Relative, ...], tuple[Relative, ...]]


def _pair(
    before: Sequence[Relative],
    after: Iterable[Relative],
    key: Callable[[Relative], Hashable | None],
) -> _Pairs:
    """Those with equal keys (not None), and the rest of both, in their order."""
    waiting: dict[Hashable, list[Relative]] = {}
    for old in before:
        waiting.setdefault(key(old), []).append(old)
    nobody = waiting.pop(None, [])
    pairs, new_ones = [], []
    for new in after:
        same = waiting.get(key(new))
        if same:
            pairs.append((same.pop(0), new))
        else:
            new_ones.append(new)
    left = {id(old) for olds in (*waiting.values(), nobody) for old in olds}
    return pairs, tuple(old for old in before if id(old) in left), tuple(new_ones)


def _by_identifier(relative: Relative) -> Hashable | None:
    return relative.identifier


def _by_name(relative: Relative) -> Hashable:
    return relative.name, relative.relation


def _differing(old: object, new: object, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(zh for key, zh in labels.items() if getattr(old, key) != getattr(new, key))


def _known(relatives: Iterable[Relative]) -> tuple[Relative, ...]:
    return tuple(relative for relative in relatives if relative.identifier is not None)

"""What differs between two versions, in Chinese, for the person who signs the later one (R20). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from services.rules.declaration import Declaration
from services.rules.differences import compare


def changes_zh(before: Declaration | None, after: Declaration) -> tuple[str, ...]:
    """One line for each difference; nothing for a first version."""
    return () if before is None else tuple(_lines(before, after))


def _lines(before: Declaration, after: Declaration) -> Iterator[str]:
    differences = compare(before, after)
    if differences.reporter:
        yield f"报告人：{'、'.join(differences.reporter)}有变化"
    for relative in differences.added:
        yield f"新增亲属：{relative.name}（{relative.relation}）"
    for relative in differences.removed:
        yield f"不再申报：{relative.name}（{relative.relation}）"
    for change in differences.changed:
        who = f"{change.after.name}（{change.after.relation}）"
        yield f"亲属{who}：{'、'.join(change.fields_zh)}有变化"

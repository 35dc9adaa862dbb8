"""The state machine of a matter as a drawing: for docs/flows.md, which a test compares with it."""

from __future__ import annotations

from services.rules.matter import EVENTS, LIVE, TRANSITIONS, Transition
from services.rules.matter_facts import State
from services.rules.matter_steps import Event


def to_mermaid() -> str:
    """The table as a Mermaid state diagram, for docs/flows.md.

    What every live state has in common is drawn once, from the frame around them.
    """
    common = [event for event in Event if _is_common(event)]
    lines = ["stateDiagram-v2", "    [*] --> NOTIFIED: 比中通知送达"]
    lines += [f'    state "{state}" as {state.name}' for state in State]
    lines.append('    state "有效的涉权事项" as LIVE {')
    own = [row for row in TRANSITIONS if row.event not in common]
    lines += [f"        {_arrow(row)}" for row in own if row.source is not State.WITHDRAWN]
    lines.append("    }")
    for event in common:
        first = next(row for row in TRANSITIONS if row.event is event)
        target = "LIVE" if first.target is first.source else first.target.name
        lines.append(f"    LIVE --> {target}: {_label(first)}")
    lines += [f"    {_arrow(row)}" for row in own if row.source is State.WITHDRAWN]
    return "\n".join(lines) + "\n"


def _is_common(event: Event) -> bool:
    """Whether every live state has it, all staying or all going to one state."""
    rows = [row for row in TRANSITIONS if row.event is event]
    targets = {None if row.target is row.source else row.target for row in rows}
    return {row.source for row in rows} == set(LIVE) and len(targets) == 1


def _arrow(row: Transition) -> str:
    return f"{row.source.name} --> {row.target.name}: {_label(row)}"


def _label(row: Transition) -> str:
    who, rule = EVENTS[row.event]
    note = f"，{row.note_zh}" if row.note_zh else ""
    return f"{row.event}（{who}，{rule}{note}）"

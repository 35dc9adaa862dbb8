"""Matters in the words that clerks read; a hit is not a violation, and no word here says so."""

from __future__ import annotations

from services.cli.clerk import moment_zh, yuan
from services.cli.peers.matters import MatterLine, PublicationLine, StepLine
from services.rules.matter_facts import MeasureKind, Recipient, State, Verdict

STATES = {str(state): f"MATTER_STATE_{state.name}" for state in State}
VERDICTS = {str(verdict): f"VERDICT_{verdict.name}" for verdict in Verdict}
MEASURES = {str(kind): f"MEASURE_KIND_{kind.name}" for kind in MeasureKind}
RECIPIENTS = {str(recipient): f"RECIPIENT_{recipient.name}" for recipient in Recipient}
_STATE_ZH = {name: zh for zh, name in STATES.items()}


def state_zh(name: str) -> str:
    """The state's word; the name itself where a newer service has another."""
    return _STATE_ZH.get(name, name)


def due_zh(line: MatterLine) -> str:
    """By when somebody must act, and whether that is over."""
    return f"{line.due_on}（逾期）" if line.overdue else line.due_on


def matter_lines(line: MatterLine) -> tuple[str, str]:
    """A matter in a list: its number to copy with how far it is, and what it is about."""
    due = f"  期限{due_zh(line)}" if line.due_on else ""
    money = f" {yuan(line.amount_fen)}元" if line.amount_fen is not None else ""
    about = f"{line.official}—{line.relation}{line.beneficiary}  {line.programme or line.item_name}"
    about = f"{line.item_ref}  {about}" if line.item_ref else about
    units = f"审批：{line.approving_unit}  申报：{'、'.join(line.declaring_units)}"
    return (
        f"{line.case_id}  {state_zh(line.state)}{due}  版本{line.version}",
        f"    {about}{money}  {units}",
    )


def done_lines(line: MatterLine) -> list[str]:
    """What the person who made a step is told: how far the matter is, and what hangs where until when."""
    told = [f"已办理。该事项现为：{state_zh(line.state)}（版本{line.version}）"]
    told += [f"公示（{one.place}）：{_publication_zh(one)}" for one in line.publications]
    return [*told, f"下一步办理期限：{line.due_on}"] if line.due_on else told


def step_line(step: StepLine) -> str:
    """A step in one line."""
    who = (
        f"{step.unit} {step.person}（{step.role}）"
        if step.person
        else f"{step.unit}（{step.role}）"
    )
    text = f"：{step.text}" if step.text else ""
    vain = f"〔未生效：{step.without_effect}〕" if step.without_effect else ""
    return f"{moment_zh(step.at_us)} {who}{step.event}{text}{vain}"


def shown_rows(line: MatterLine) -> list[tuple[str, str]]:
    """Everything of a matter but its steps."""
    rows = [
        ("事项编号", line.case_id),
        ("版本", str(line.version)),
        ("状态", state_zh(line.state)),
        ("办理期限", due_zh(line)),
        ("审批单位", line.approving_unit),
        ("申报单位", "、".join(line.declaring_units)),
        ("党员干部", line.official),
        ("与受益人关系", line.relation),
        ("受益人", line.beneficiary),
        *([("本单位编号", line.item_ref)] if line.item_ref else []),
        ("项目名称", line.item_name),
        ("资金（项目）", line.programme),
        ("金额（元）", yuan(line.amount_fen)),
        ("地点", line.place),
        ("开始时间", line.start),
        ("通知时间", moment_zh(line.notified_at_us)),
        ("受理人", line.taken_by),
        *((f"公示（{one.place}）", _publication_zh(one)) for one in line.publications),
    ]
    if line.steps_unsent:
        rows.append(("待送达", f"有{line.steps_unsent}项办理尚未送达有关单位，服务会自动重发"))
    if line.reports_not_believed:
        rows.append(("未采信", f"有{line.reports_not_believed}份报告未通过核验，请告知区纪委"))
    return rows


def _publication_zh(one: PublicationLine) -> str:
    posted = f"{moment_zh(one.posted_at_us)}张贴"
    end = f"公示至{one.last_day}" if one.last_day else "异议核查中，公示期暂停"
    if one.complete:
        return f"{posted}，{end}，已期满"
    if one.taken_down_at_us:
        return f"{posted}，{moment_zh(one.taken_down_at_us)}撤下，须重新公示"
    return f"{posted}，{end}"

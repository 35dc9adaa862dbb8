"""``libmatch statements …``: officials explain their matters once a year; who oversees it sees counts."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from libmatch.errors import InputError
from services.cli.clerk import LookReason, connect, console, parse_ref, show_table
from services.cli.exits import Exit
from services.cli.nouns import NOUNS, new_app
from services.cli.peers.statements import MEETINGS, OversightClient, StatementsClient

if TYPE_CHECKING:
    from services.cli.peers.statements import DueLine

Config = Annotated[
    Path, typer.Option("--config", metavar="文件", help="经办人或区委组织部干部的配置文件（.toml）")
]
AsJson = Annotated[bool, typer.Option("--json", help="输出JSON，供其他程序读取")]
_CLIENT = Path("client.toml")
_LOOK_ZH = "办理年度说明情况"


def register(app: typer.Typer) -> None:
    """Adds the noun ``statements``."""
    group = new_app(NOUNS["statements"])
    group.command("due")(list_due)
    group.command("record")(record)
    group.command("figures")(count)
    app.add_typer(group, name="statements")


def list_due(
    config: Config = _CLIENT,
    year: Annotated[int, typer.Option("--year", metavar="年度", help="不填为全部年度")] = 0,
    reason: LookReason = _LOOK_ZH,
    as_json: AsJson = False,
) -> None:
    """列出应说明涉权事项的党员干部（R49）。有逾期未说明的，退出码为 4。"""
    with connect(config) as channel:
        dues = StatementsClient(channel).list_due(year, reason)
    if as_json:
        typer.echo(json.dumps([asdict(due) for due in dues], ensure_ascii=False, indent=2))
    else:
        headings = ("年度", "党员干部", "会议", "事项", "未说明", "期限", "编号")
        show_table("年度说明情况", headings, [_row(due) for due in dues])
    if any(due.overdue for due in dues):
        raise typer.Exit(Exit.PARTIAL)


def record(
    official: Annotated[str, typer.Argument(metavar="编号", help="due 中的编号")],
    year: Annotated[int, typer.Option("--year", metavar="年度", help="如 2026")],
    meeting: Annotated[str, typer.Option("--meeting", metavar="会议", help="、".join(MEETINGS))],
    held_on: Annotated[str, typer.Option("--on", metavar="日期", help="会议日期，如 2026-12-20")],
    config: Config = _CLIENT,
    cases: Annotated[
        list[str] | None,
        typer.Option("--case", metavar="事项编号", help="已说明的事项；不填为该年度当时已知的全部"),
    ] = None,
) -> None:
    """登记某党员干部已在会议上说明（R49）；补充说明时再登记一次。"""
    if meeting not in MEETINGS:
        raise InputError("no such meeting", f"会议应为：{'、'.join(MEETINGS)}")
    ref = parse_ref(official)
    with connect(config) as channel:
        client = StatementsClient(channel)
        owed = client.list_due(year, _LOOK_ZH)
        ids = _explained(owed, official, held_on, [parse_ref(one).hex() for one in cases or ()])
        due = client.record(ref, year, meeting, held_on, ids)
    console().print(f"已登记：{due.official_name} {due.year}年度，还有{due.missing}项未说明")


def count(config: Config = _CLIENT, as_json: AsJson = False) -> None:
    """各单位说明情况的统计（区委组织部看全区，单位看本单位，R50）。有逾期的，退出码为 4。"""
    with connect(config) as channel:
        as_of, units = OversightClient(channel).count()
    if as_json:
        told = {"as_of": as_of, "units": [asdict(unit) for unit in units]}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        headings = ("单位", "应说明", "已全部说明", "部分说明", "逾期")
        rows = [
            (u.display_name, *(str(n) for n in (u.owed, u.complete, u.partial, u.overdue)))
            for u in units
        ]
        show_table(f"说明情况统计（截至{as_of}）", headings, rows)
    if any(unit.overdue for unit in units):
        raise typer.Exit(Exit.PARTIAL)


def _explained(dues: list[DueLine], official: str, held_on: str, named: list[str]) -> list[bytes]:
    """What was explained before, and what is named; all that was known at the meeting for nothing.

    Raises InputError where the official owes nothing.
    """
    matters = [m for due in dues if due.official_ref == official for m in due.matters]
    if not matters:
        raise InputError("nothing is owed", "该编号在该年度没有应说明的涉权事项，请先用 due 核对")
    known = [m.case_id for m in matters if m.known_on <= held_on]
    before = [m.case_id for m in matters if m.meeting]
    return [bytes.fromhex(one) for one in sorted({*before, *(named or known)})]


def _row(due: DueLine) -> tuple[str, ...]:
    meetings = "或".join(due.meetings)
    when = f"{due.due_on}（已逾期）" if due.overdue else due.due_on
    missing = str(due.missing or "")
    return (
        str(due.year),
        due.official_name,
        meetings,
        str(len(due.matters)),
        missing,
        when,
        due.official_ref,
    )

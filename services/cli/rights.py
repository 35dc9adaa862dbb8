"""``libmatch rights …``: what a unit holds about a person, who looked at it, and what has to go (R63, R65).

The person's number is asked for on the terminal or read from standard input: on a command line it would
stay in histories and in lists of processes.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from libmatch.errors import InputError
from services.chassis.owner_files import refuse_existing, write_new
from services.cli.clerk import Config, connect, console, moment_zh, show_table
from services.cli.exits import Exit
from services.cli.nouns import NOUNS, new_app
from services.cli.peers.rights import HeldAnswer, HeldRecordLine, RetentionClient, RightsClient
from services.cli.rights_sheet import NOTE_ZH, held_to_json, held_to_workbook

Why = Annotated[
    str,
    typer.Option("--reason", metavar="原因", help="答复哪一件申请，记入审计记录；不得写个人信息"),
]
_LOOKS_SHOWN_ZH = "仅列出最近1000条"


def register(app: typer.Typer) -> None:
    """Adds the noun ``rights``."""
    group = new_app(NOUNS["rights"])
    group.command("held")(held)
    group.command("looks")(looks)
    group.command("due")(due)
    group.command("purge")(purge)
    app.add_typer(group, name="rights")


def held(
    config: Config,
    reason: Why,
    received_on: Annotated[
        str, typer.Option("--received", metavar="日期", help="收到申请的日期，默认今天")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="文件", help="另存为给本人的文件（.xlsx 或 .json）"),
    ] = None,
) -> None:
    """答复本人：本单位保存了关于其本人的哪些信息。须先核验其身份。

    证件号码在提示后输入（或由标准输入读入），不写在命令行上。查询会记入审计记录。
    """
    if out is not None:
        _require_kind(out)
        refuse_existing(out)
    with connect(config) as channel:
        answer = RightsClient(channel).list_held(_ask_number(), reason, received_on)
    if out is not None:
        make = held_to_json if out.suffix.lower() == ".json" else held_to_workbook
        write_new(out, make(answer))
        typer.echo(f"已生成：{out}（{len(answer.records)}条）；请于{answer.due}前答复本人")
        return
    _show(answer)


def looks(config: Config, reason: Why) -> None:
    """答复本人：何人、何时、为何查看过其信息。查询会记入审计记录。"""
    with connect(config) as channel:
        lines, more = RightsClient(channel).list_looks(_ask_number(), reason)
    headings = ("时间", "何人", "操作", "范围", "原因", "结果")
    rows = [
        (
            *(moment_zh(line.at_us), line.who, line.action),
            *("整个清单" if line.whole_list else "本人信息", line.reason, outcome_zh(line.outcome)),
        )
        for line in lines
    ]
    show_table("查看记录", headings, rows)
    if more:
        console().print(_LOOKS_SHOWN_ZH)


def outcome_zh(outcome: str) -> str:
    """How a step ended; the trail says "ok", or "refused" with the rule where there is one."""
    if outcome == "ok":
        return "已办理"
    refused, _, why = outcome.partition(" ")
    if refused != "refused":
        return outcome
    return f"已拒绝（规则{why}）" if re.fullmatch(r"R\d+", why) else "已拒绝"


def due(config: Config) -> None:
    """列出到期应清除的信息的数量。只计数，不作改动。"""
    with connect(config) as channel:
        lines, total = RetentionClient(channel).count_due()
    rows = [(line.what, str(line.count), line.ground) for line in lines]
    show_table("到期应清除", ("信息", "数量", "依据"), rows)
    if total:
        console().print(f"由责任领导清除：libmatch rights purge --confirm {total} --reason 原因")


def purge(
    config: Config,
    confirm: Annotated[
        int, typer.Option("--confirm", metavar="数量", help="due 列出的总数，数量有变化时不清除")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="原因", help="记入审计记录")],
) -> None:
    """责任领导：清除到期信息。不能恢复；备份中的副本另按备份制度销毁。"""
    with connect(config) as channel:
        done = RetentionClient(channel).purge(confirm, reason)
    typer.echo(f"已清除{done.purged}条")
    if done.traces_left:
        typer.echo("数据库正在被读取，文件中可能还留有残余；下次清除时会一并抹去")
    if done.left:
        typer.echo(f"还有{done.left}条，请再次执行：--confirm {done.left}")
        raise typer.Exit(Exit.PARTIAL)


def _ask_number() -> str:
    """The person's number: asked for without echo, or the first line of standard input."""
    if sys.stdin.isatty():
        number: str = typer.prompt("证件号码（不显示）", hide_input=True)
        return number.strip()
    return sys.stdin.readline().strip()


def _require_kind(out: Path) -> None:
    if out.suffix.lower() not in (".xlsx", ".json"):
        raise InputError("the file is .xlsx or .json", "文件名应以 .xlsx 或 .json 结尾")


def _show(answer: HeldAnswer) -> None:
    screen = console()
    screen.print(f"{answer.unit}：共{len(answer.records)}条，请于{answer.due}前答复本人")
    for record in answer.records:
        _show_record(record)
    screen.print(NOTE_ZH, soft_wrap=True)


def _show_record(record: HeldRecordLine) -> None:
    until = f"，保存期至{record.purge_on}" if record.purge_on else ""
    title = f"{record.category}·{record.capacity}（{record.status}{until}）"
    notices = [
        ("比中通知", f"{moment_zh(m.received_at_us)} {m.item}：{m.state}") for m in record.matters
    ]
    show_table(title, ("栏目", "内容"), [*record.fields, *notices])
    console().print(f"更正：{record.correction}", soft_wrap=True)

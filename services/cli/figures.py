"""``libmatch figures …``: how far a unit or the district has come, what is late, who reports where."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from libmatch.errors import InputError
from services.chassis.owner_files import write_new
from services.cli.clerk import connect, console, show_table
from services.cli.exits import Exit
from services.cli.nouns import NOUNS, new_app
from services.cli.peers.figures import POSTS, FiguresClient, FilingsClient

Config = Annotated[
    Path, typer.Option("--config", metavar="文件", help="本单位经办人或纪委干部的配置文件（.toml）")
]
AsJson = Annotated[bool, typer.Option("--json", help="输出JSON，供其他程序读取")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="文件", help="另存为 .xlsx，不覆盖已有文件")
]
_CLIENT = Path("client.toml")


def register(app: typer.Typer) -> None:
    """Adds the noun ``figures``."""
    group = new_app(NOUNS["figures"])
    group.command("show")(show)
    group.command("deadlines")(list_deadlines)
    group.command("receivers")(list_receivers)
    group.command("file")(record_filing)
    group.command("filings")(list_filings)
    app.add_typer(group, name="figures")


def show(config: Config = _CLIENT, as_json: AsJson = False, out: Out = None) -> None:
    """各单位的申报、核查、公示统计（纪委看全区，单位看本单位）。有单位未申报时退出码为 4。"""
    from services.cli.figures_shown import SCREEN_HEADINGS, screen_rows, to_json, write_figures

    with connect(config) as channel:
        lines = FiguresClient(channel).list_figures()
    if as_json:
        typer.echo(to_json(lines))
    elif out is not None:
        write_new(out, write_figures(lines))
        console().print(f"已写入{out}，共{len(lines.units)}个单位", soft_wrap=True)
    else:
        show_table(f"统计（截至{lines.as_of}）", SCREEN_HEADINGS, screen_rows(lines))
        if lines.missing:
            headings = ("单位代码", "单位", "情况")
            show_table("未申报的报告主体单位", headings, lines.missing)
    if lines.missing:
        raise typer.Exit(Exit.PARTIAL)


def list_deadlines(
    config: Config = _CLIENT,
    campaign: Annotated[
        str, typer.Option("--campaign", metavar="名称", help="哪一轮工作；不填为最近一轮")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """各项工作的时限和逾期情况（R57至R60）。有尚未完成的逾期事项时退出码为 4。"""
    with connect(config) as channel:
        told = FiguresClient(channel).list_deadlines(campaign)
    if as_json:
        typer.echo(json.dumps(asdict(told), ensure_ascii=False, indent=2))
    else:
        headings = ("规则", "最后一天", "涉及单位", "已完成")
        rows = [(d.rule, d.due_on, str(d.units), str(d.done)) for d in told.deadlines]
        show_table(f"{told.campaign}（截至{told.as_of}）", headings, rows)
        late = [(one.display_name, one.rule, one.text) for one in told.late]
        show_table("逾期", ("单位", "规则", "情况"), late)
    if any(not one.done_on for one in told.late):
        raise typer.Exit(Exit.PARTIAL)


def list_receivers(
    config: Config = _CLIENT,
    unit: Annotated[
        str,
        typer.Option(
            "--unit", metavar="单位代码", help="谁向该单位报告；不填为全部（单位：本单位）"
        ),
    ] = "",
    on: Annotated[str, typer.Option("--on", metavar="日期", help="如 2026-01-31；不填为今天")] = "",
    as_json: AsJson = False,
) -> None:
    """谁须申报、向哪个单位申报（R1至R12）。"""
    with connect(config) as channel:
        lines = FiguresClient(channel).list_receivers(unit, on)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in lines], ensure_ascii=False, indent=2))
        return
    rows = [
        (
            one.display_name,
            f"{one.who}（{one.who_rule}）",
            "、".join(one.receivers),
            "、".join(one.copies),
            one.where_rule,
        )
        for one in lines
    ]
    show_table("申报和受理", ("单位", "谁须申报", "向谁申报", "抄送", "依据"), rows)


def record_filing(
    unit: Annotated[str, typer.Argument(metavar="单位代码", help="报送基本情况表的单位")],
    post: Annotated[str, typer.Option("--post", metavar="人员", help="、".join(POSTS))],
    number: Annotated[str, typer.Option("--number", metavar="备案号", help="区纪委备案号")],
    on: Annotated[str, typer.Option("--on", metavar="日期", help="备案日期，如 2026-01-31")],
    config: Config = _CLIENT,
) -> None:
    """纪委：登记单位报来的基本情况表已备案（R57）。同一人员再次登记则代替原有登记。"""
    if post not in POSTS:
        raise InputError("no such post", f"人员应为：{'、'.join(POSTS)}")
    with connect(config) as channel:
        FilingsClient(channel).record(unit, post, number, on)
    console().print(f"已登记：{unit} {post} {number} {on}")


def list_filings(config: Config = _CLIENT) -> None:
    """纪委：列出已备案的基本情况表。"""
    with connect(config) as channel:
        lines = FilingsClient(channel).list_all()
    headings = ("单位", "人员", "备案号", "备案日期")
    rows = [(one.display_name, one.post, one.number, one.filed_on) for one in lines]
    show_table("基本情况表备案", headings, rows)

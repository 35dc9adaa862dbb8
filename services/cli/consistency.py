"""``libmatch consistency …``: officials whom others declare as relatives, and who do not declare them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.clerk import (
    Config,
    LookReason,
    connect,
    console,
    moment_zh,
    parse_ref,
)
from services.cli.exits import Exit
from services.cli.nouns import NOUNS, new_app
from services.cli.peers.consistency import ConsistencyClient

if TYPE_CHECKING:
    from services.cli.peers.consistency import CheckLine, FindingLine

_STATE_ZH = {
    "FINDING_STATE_OPEN": "待核实",
    "FINDING_STATE_CLOSED": "已自行消除",
    "FINDING_STATE_SETTLED": "核实属实",
    "FINDING_STATE_DISMISSED": "核实不属实",
}
_SHOWN = 30  # work units on the terminal

Ref = Annotated[str, typer.Argument(metavar="编号", help="findings 中的32位编号")]
Grounds = Annotated[
    str, typer.Option("--grounds", metavar="依据", help="核实情况（不写证件号码等），记入办理记录")
]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出")]


def register(app: typer.Typer) -> None:
    """Adds the noun ``consistency``."""
    group = new_app(NOUNS["consistency"])
    group.command("run")(run)
    group.command("state")(show_state)
    group.command("findings")(list_findings)
    group.command("settle")(settle)
    group.command("dismiss")(dismiss)
    app.add_typer(group, name="consistency")


def run(config: Config) -> None:
    """立即与其他申报单位核对一次。平时由服务自动核对：有变更时每天一次，至少每周一次。"""
    with connect(config) as channel:
        state = ConsistencyClient(channel).run()
    _tell(state)
    if state.waiting:
        raise typer.Exit(Exit.SERVICE)


def show_state(config: Config, as_json: AsJson = False) -> None:
    """查看核对进展：发出多少、多少亲属的工作单位无法识别。不显示任何个人信息。"""
    with connect(config) as channel:
        state = ConsistencyClient(channel).state()
    if as_json:
        typer.echo(json.dumps(asdict(state), ensure_ascii=False))
        return
    _tell(state)


def list_findings(
    config: Config,
    reason: LookReason = "",
    decided: Annotated[bool, typer.Option("--all", help="包括已办结和已消除的")] = False,
    as_json: AsJson = False,
) -> None:
    """纪检组织、责任领导：列出待核实线索。线索不等于违规，须先向本人核实。查看会记入审计记录。"""
    with connect(config) as channel:
        lines = ConsistencyClient(channel).list_findings(reason, decided=decided)
    if as_json:
        typer.echo(json.dumps([asdict(line) for line in lines], ensure_ascii=False))
        return
    console().print("他人申报为亲属、本人未申报对方的线索（不等于违规，须先向本人核实）")
    for line in lines:
        _tell_finding(line)
    console().print(f"共{len(lines)}条")


def settle(ref: Ref, config: Config, grounds: Grounds) -> None:
    """纪检组织：核实属实（本人应补报；需要移送的另行登记问题线索）。"""
    with connect(config) as channel:
        ConsistencyClient(channel).settle(parse_ref(ref), grounds)
    typer.echo("已登记：核实属实")


def dismiss(ref: Ref, config: Config, grounds: Grounds) -> None:
    """纪检组织：核实不属实，如对方误报。"""
    with connect(config) as channel:
        ConsistencyClient(channel).dismiss(parse_ref(ref), grounds)
    typer.echo("已登记：核实不属实")


def _tell(state: CheckLine) -> None:
    screen = console()
    if state.made_at_us:
        screen.print(
            f"上次核对：{moment_zh(state.made_at_us)}，发往{state.letters}个单位，"
            f"待发送{state.waiting}封"
        )
    else:
        screen.print("还没有核对过")
    screen.print(f"可向其他单位核对的亲属{state.asked}人，本单位内部核对{state.here}人")
    if state.unnumbered:
        screen.print(f"在其他申报单位工作但证件号码未知的亲属{state.unnumbered}人，暂不能核对")
    if state.unresolved:
        count = sum(relatives for _, relatives in state.unresolved)
        screen.print(f"工作单位不是申报单位名称、无法核对的亲属{count}人：")
    for name, relatives in state.unresolved[:_SHOWN]:
        screen.print(f"  {name}：{relatives}人", soft_wrap=True)
    if len(state.unresolved) > _SHOWN:
        screen.print(f"  还有{len(state.unresolved) - _SHOWN}个名称")
    if state.silent:
        names = "、".join(state.silent)
        screen.print(f"两周没有来信的申报单位{len(state.silent)}个：{names}", soft_wrap=True)


def _tell_finding(line: FindingLine) -> None:
    screen, state = console(), _STATE_ZH.get(line.state, line.state)
    official = line.official or "（已不在本单位申报）"
    if line.official_post:
        official += f"（{line.official_post}）"
    screen.print(f"{line.ref}  {moment_zh(line.found_at_us)}  {state}")
    screen.print(
        f"  {official}："
        f"{line.declarant_unit}{line.declarant_post} {line.declarant} 申报其为“{line.relation}”",
        soft_wrap=True,
    )
    if line.told_by != line.declarant_unit:
        screen.print(f"  来信单位：{line.told_by}", soft_wrap=True)
    if line.grounds:
        screen.print(f"  核实情况：{line.grounds}（{line.decided_by}）", soft_wrap=True)

"""``libmatch draws …``: random checks, from the plan to the last result, and drawing again offline."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from libmatch.errors import InputError
from libmatch.sampling import decode_draw
from services.chassis.owner_files import PUBLIC, refuse_existing, write_new
from services.cli.clerk import Config, connect, console, parse_ref, show_table
from services.cli.draw_files import make_reveal, publish, read_published, read_reveal, write_reveal
from services.cli.exits import Exit
from services.cli.nouns import NOUNS, new_app
from services.cli.peers.draws import DrawsClient

if TYPE_CHECKING:
    from services.cli.peers.draws import DrawLine, ItemLine, QuotaLine

_KINDS = {
    "报告": "CHECK_KIND_UNIT_DECLARATIONS",
    "事项": "CHECK_KIND_UNIT_MATTERS",
    "合并": "CHECK_KIND_UNIT_BOTH",
    "全区": "CHECK_KIND_DISTRICT_MATTERS",
}
_KIND_ZH = {name: zh for zh, name in _KINDS.items()}
_STATE_ZH = {
    "DRAW_STATE_COMMITTING": "等待承诺",
    "DRAW_STATE_REVEALING": "等待揭示",
    "DRAW_STATE_CHECKING": "抽查中",
    "DRAW_STATE_FINISHED": "已办结",
    "DRAW_STATE_VOID": "已作废",
}
_VERDICT_ZH = {
    "CHECK_VERDICT_UNSPECIFIED": "未登记",
    "CHECK_VERDICT_IN_ORDER": "未发现问题",
    "CHECK_VERDICT_FINDING": "发现问题线索",
}

DrawRef = Annotated[str, typer.Argument(metavar="抽查编号", help="list 中显示的32位编号")]
Secret = Annotated[
    Path, typer.Option("--secret", metavar="文件", help="保存随机数的文件，揭示前不得给任何人看")
]
Year = Annotated[int, typer.Option("--year", metavar="年度", help="如 2018；不填为今年")]
Parties = Annotated[list[str], typer.Argument(metavar="参加方…", help="登录名，至少两人")]


def register(app: typer.Typer) -> None:
    """Adds the noun ``draws``."""
    group = new_app(NOUNS["draws"])
    group.command("plan")(plan)
    group.command("commit")(commit)
    group.command("reveal")(reveal)
    group.command("void")(void)
    group.command("repeat")(repeat)
    group.command("list")(list_draws)
    group.command("show")(show)
    group.command("result")(record_result)
    group.command("finish")(finish)
    group.command("export")(export)
    group.command("verify")(verify)
    app.add_typer(group, name="draws")


def plan(
    kind: Annotated[str, typer.Argument(metavar="类别", help="、".join(_KINDS))],
    parties: Parties,
    config: Config,
    year: Year = 0,
    unit: Annotated[str, typer.Option("--unit", metavar="单位", help="仅按单位计算时填写")] = "",
    percent: Annotated[
        int, typer.Option("--percent", metavar="比例", help="高于规定最低比例时填写")
    ] = 0,
) -> None:
    """确定抽查总体、比例和参加方。此后总体不能增减。"""
    if kind not in _KINDS:
        raise InputError("no such kind", f"没有类别“{kind}”；可用：{'、'.join(_KINDS)}")
    with connect(config) as channel:
        about = (_KINDS[kind], year or _this_year(), parties)
        _tell(DrawsClient(channel).plan(*about, unit=unit, percent=percent))


def commit(
    draw: DrawRef,
    secret: Secret,
    config: Config,
    value: Annotated[
        str, typer.Option("--value", metavar="摇号结果", help="当众摇号、掷骰的结果；不填则随机")
    ] = "",
) -> None:
    """参加方：生成随机数，保存到本人文件，只提交其摘要（承诺）。"""
    refuse_existing(secret)
    with connect(config) as channel:
        client = DrawsClient(channel)
        got = client.get(parse_ref(draw))
        if not got.line.own_party:
            raise InputError("not a party", "您不是本次抽取的参加方")
        planned = decode_draw(got.record).plan
        kept = make_reveal(planned, got.line.own_party, value)
        write_reveal(secret, kept)  # first: a commitment without it could never be revealed
        _tell(client.commit(got.line.draw_id, kept.commitment(planned)))
    console().print(f"随机数已保存：{secret}（揭示前请妥善保管，丢失则无法揭示）", soft_wrap=True)


def reveal(draw: DrawRef, secret: Secret, config: Config) -> None:
    """参加方：各方承诺齐全后，揭示承诺时的随机数。"""
    kept = read_reveal(secret)
    with connect(config) as channel:
        client = DrawsClient(channel)
        got = client.get(parse_ref(draw))
        kept.commitment(decode_draw(got.record).plan)  # refuses the file of another draw
        _tell(client.reveal(got.line.draw_id, kept.reveal.nonce, kept.reveal.value))


def void(
    draw: DrawRef,
    config: Config,
    reason: Annotated[str, typer.Option("--reason", metavar="原因", help="记入审计记录")],
) -> None:
    """作废有人迟迟不办理的抽取；尚未办理的本人可随时申明无法办理。"""
    with connect(config) as channel:
        _tell(DrawsClient(channel).void(parse_ref(draw), reason))


def repeat(
    draw: DrawRef,
    config: Config,
    more: Annotated[
        list[str] | None, typer.Option("--with", metavar="登录名", help="另请的参加方，可多次填写")
    ] = None,
) -> None:
    """按原总体重抽已作废的抽取，未办理的人不再参加。"""
    with connect(config) as channel:
        _tell(DrawsClient(channel).repeat(parse_ref(draw), more or ()))


def list_draws(config: Config, year: Year = 0) -> None:
    """列出一年的抽查（含作废的）和完成情况。有逾期未完成的退出码为 4。"""
    with connect(config) as channel:
        draws, quotas = DrawsClient(channel).list_year(year or _this_year())
    of_draws = ("编号", "名称", "状态", "抽取", "已登记", "期限")
    show_table("抽查", of_draws, [_row(line) for line in draws])
    of_quotas = ("类别", "单位", "总数", "应抽查", "已抽查", "其后新增", "期限")
    show_table("完成情况", of_quotas, [_quota_row(line) for line in quotas])
    if any(line.overdue for line in quotas):
        raise typer.Exit(Exit.PARTIAL)


def show(
    draw: DrawRef,
    config: Config,
    reason: Annotated[
        str, typer.Option("--reason", metavar="原因", help="查看抽中对象的内容时必填，记入审计记录")
    ] = "",
) -> None:
    """查看一次抽查；写明原因的，列出抽中对象的内容（仅抽查人员）。"""
    with connect(config) as channel:
        client = DrawsClient(channel)
        got = client.get(parse_ref(draw))
        items = client.show_items(got.line.draw_id, reason) if reason.strip() else []
    _tell(got.line)
    if not reason.strip():
        for item in got.drawn:
            console().print(f"  抽中：{item.hex()}")
    for shown in items:
        _tell_item(shown)


def record_result(
    draw: DrawRef,
    item: Annotated[str, typer.Argument(metavar="对象", help="抽中对象的32位编号")],
    grounds: Annotated[str, typer.Option("--grounds", metavar="情况", help="抽查情况")],
    config: Config,
    lead: Annotated[
        str, typer.Option("--lead", metavar="线索编号", help="发现问题的：先用 leads record 登记")
    ] = "",
) -> None:
    """登记一个抽中对象的抽查结果，登记后不能更改。"""
    with connect(config) as channel:
        named = (parse_ref(draw), parse_ref(item), grounds)
        lead_id = parse_ref(lead) if lead else b""
        _tell(DrawsClient(channel).record_result(*named, lead_id))


def finish(draw: DrawRef, config: Config) -> None:
    """办结抽查：每个抽中对象都须已登记结果。"""
    with connect(config) as channel:
        _tell(DrawsClient(channel).finish(parse_ref(draw)))


def export(
    draw: DrawRef,
    out: Annotated[Path, typer.Option("--out", metavar="文件", help="新文件（.json）")],
    config: Config,
) -> None:
    """导出可公开的抽取记录，任何人都能用 verify 重新计算。不含个人信息。"""
    with connect(config) as channel:
        got = DrawsClient(channel).get(parse_ref(draw))
    write_new(out, publish(got.record, got.items, got.drawn), mode=PUBLIC)
    typer.echo(f"已写入{out}")


def verify(
    file: Annotated[Path, typer.Argument(metavar="文件", help="export 导出的记录（.json）")],
) -> None:
    """离线重新计算公开的抽取记录，核对名单。不连接任何服务。"""
    published = read_published(file.read_bytes())
    plan_ = published.draw.plan
    screen = console()
    screen.print(f"{plan_.title}：核对无误", soft_wrap=True)
    screen.print(f"参加方：{'、'.join(plan_.parties)}；总数{plan_.size}，抽取{plan_.count}")
    for item in published.drawn:
        screen.print(f"  抽中：{item.hex()}")


def _tell(line: DrawLine) -> None:
    screen = console()
    screen.print(f"{line.draw_id.hex()}  {line.title}", soft_wrap=True)
    state = _STATE_ZH.get(line.state, line.state)
    screen.print(f"  {state}；总数{line.size}，抽取{line.count}，已登记结果{line.checked}")
    if line.missing:
        screen.print(f"  未办理：{'、'.join(line.missing)}", soft_wrap=True)


def _tell_item(shown: ItemLine) -> None:
    screen = console()
    screen.print(f"{shown.item.hex()}  {_VERDICT_ZH.get(shown.verdict, shown.verdict)}")
    if not shown.fields:
        screen.print("  （该对象的数据已撤回）")
    for heading, text in shown.fields:
        screen.print(f"  {heading}：{text}", soft_wrap=True)


def _row(line: DrawLine) -> tuple[str, ...]:
    due = f"{line.due_on}（逾期）" if line.overdue else line.due_on
    state, drawn = _STATE_ZH.get(line.state, line.state), f"{line.count}/{line.size}"
    return line.draw_id.hex(), line.title, state, drawn, str(line.checked), due


def _quota_row(line: QuotaLine) -> tuple[str, ...]:
    due = f"{line.due_on}（逾期）" if line.overdue else line.due_on
    numbers = (line.size, line.required, line.checked, line.not_drawn_from)
    return _KIND_ZH.get(line.kind, line.kind), line.unit, *map(str, numbers), due


def _this_year() -> int:
    from libmatch.china_time import china_day

    return china_day(datetime.now(UTC)).year

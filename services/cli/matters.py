"""``libmatch matters …``: what a unit does with a matter, from its notice to the end of its publication."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from libmatch.errors import InputError, ServiceError
from services.chassis.owner_files import write_new
from services.cli.clerk import (
    Config,
    LookReason,
    connect,
    console,
    parse_ref,
    show_table,
)
from services.cli.matters_export import Form, export_folder, write_text
from services.cli.matters_shown import (
    MEASURES,
    RECIPIENTS,
    STATES,
    VERDICTS,
    done_lines,
    matter_lines,
    shown_rows,
    state_zh,
    step_line,
)
from services.cli.nouns import NOUNS, new_app
from services.cli.peers.matters import At, ConfirmationsClient, MatterLine, MattersClient

_LOOK = "办理该涉权事项"  # why a step looks at the matter that it is about
_CAUTION = "比中不等于违规，是否合规由审批单位核查"

Case = Annotated[str, typer.Argument(metavar="事项编号", help="list 中显示的32位编号")]
Version = Annotated[
    int | None,
    typer.Option("--version", metavar="版本", help="show 显示的版本；事项此后有变动则不办理"),
]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON，供程序读取")]
Hotlines = Annotated[
    list[str],
    typer.Option(
        "--hotline", metavar="单位=电话", help="监督举报电话，须填两个：纪检机构、主管单位"
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the noun ``matters``."""
    group = new_app(NOUNS["matters"])
    group.command("list")(list_matters)
    group.command("show")(show)
    group.command("inform")(inform)
    group.command("take")(take)
    group.command("outcome")(record_outcome)
    group.command("measure")(record_measure)
    group.command("dispute")(dispute)
    group.command("post")(post)
    group.command("take-down")(take_down)
    group.command("object")(record_objection)
    group.command("export")(export)
    group.command("confirm")(confirm)
    app.add_typer(group, name="matters")


# --- looks ----------------------------------------------------------------------------------------


def list_matters(
    config: Config,
    states: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="状态", help="只列这些状态，可重复：" + "、".join(STATES)),
    ] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="只列逾期的，逾期最久的在前")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="文件", help="另存为 .xlsx，不覆盖已有文件")
    ] = None,
    as_json: Json = False,
    reason: LookReason = "",
) -> None:
    """列出本单位的涉权事项和办理期限。查看会记入审计记录。"""
    wanted = [_pick(STATES, state, "状态") for state in states or []]
    with connect(config) as channel:
        lines = MattersClient(channel).list_matters(wanted, reason, overdue=overdue)
    if out is not None:
        from services.cli.matters_workbook import write_matters

        write_new(out, write_matters(lines))
        _print(f"已写入{out}，共{len(lines)}件；内容保密，请妥善保管")
    elif as_json:
        _print_json([asdict(line) for line in lines])
    else:
        _print(f"涉权事项{len(lines)}件（{_CAUTION}）")
        for line in lines:
            _print(*matter_lines(line))


def show(case: Case, config: Config, as_json: Json = False, reason: LookReason = "") -> None:
    """查看一个涉权事项：内容、公示、全部办理记录和版本。查看会记入审计记录。"""
    with connect(config) as channel:
        line = MattersClient(channel).show(parse_ref(case), reason)
    if as_json:
        _print_json(asdict(line))
        return
    show_table(f"涉权事项（{_CAUTION}）", ("栏目", "内容"), shown_rows(line))
    _print("办理记录：", *(f"  {step_line(step)}" for step in line.steps))


# --- steps ----------------------------------------------------------------------------------------


def inform(
    case: Case,
    reference: Annotated[str, typer.Option("--reference", metavar="编号", help="回执编号")],
    config: Config,
    to: Annotated[
        str, typer.Option("--to", metavar="对象", help="、".join(RECIPIENTS))
    ] = "党员干部本人",
    version: Version = None,
) -> None:
    """党员干部所在单位：登记比对结果已抄送，附回执编号（规则R36）。"""
    recipient = _pick(RECIPIENTS, to, "抄送对象")
    _step(config, case, version, lambda c, at: c.inform(at, recipient, reference))


def take(case: Case, config: Config, version: Version = None) -> None:
    """审批单位工作人员：受理核查（规则R38）。"""
    _step(config, case, version, lambda c, at: c.take(at))


def record_outcome(
    case: Case,
    verdict: Annotated[str, typer.Argument(metavar="结果", help="、".join(VERDICTS))],
    grounds: Annotated[str, typer.Option("--grounds", metavar="依据", help="核查依据和结论")],
    config: Config,
    verified_by: Annotated[
        str, typer.Option("--verified-by", metavar="登录名", help="核查人，不填为受理人")
    ] = "",
    because: Annotated[
        str,
        typer.Option(
            "--because",
            metavar="理由",
            help="更正原核查结果时必填，原公示作废、须重新张贴；异议不成立的不填，公示继续",
        ),
    ] = "",
    version: Version = None,
) -> None:
    """审批单位责任领导：签署核查结果，由本单位密钥签名（规则R39、R40、R48）。"""
    found = _pick(VERDICTS, verdict, "核查结果")
    _step(
        config,
        case,
        version,
        lambda c, at: c.record_outcome(at, found, grounds, verified_by, because),
    )


def record_measure(
    case: Case,
    kind: Annotated[str, typer.Argument(metavar="处理", help="、".join(MEASURES))],
    on: Annotated[str, typer.Option("--on", metavar="日期", help="处理日期，如 2026-01-31")],
    told: Annotated[str, typer.Option("--told", metavar="理由", help="告知受益人的理由")],
    told_on: Annotated[str, typer.Option("--told-on", metavar="日期", help="告知日期")],
    lead_to: Annotated[
        str, typer.Option("--lead-to", metavar="组织", help="接收问题线索的纪检监察组织")
    ],
    lead_reference: Annotated[
        str, typer.Option("--lead-reference", metavar="文号", help="移送文号")
    ],
    lead_on: Annotated[str, typer.Option("--lead-on", metavar="日期", help="移送日期")],
    config: Config,
    detail: Annotated[str, typer.Option("--detail", metavar="内容", help="“其他”处理须写明")] = "",
    version: Version = None,
) -> None:
    """审批单位责任领导：登记处理、告知和线索移送，三项须齐全（规则R41）。"""
    texts = {
        "detail": detail,
        "decided_on": _day(on, "处理日期"),
        "told": told,
        "told_on": _day(told_on, "告知日期"),
        "lead_to": lead_to,
        "lead_reference": lead_reference,
        "lead_on": _day(lead_on, "移送日期"),
    }
    measure = _pick(MEASURES, kind, "处理方式")
    _step(config, case, version, lambda c, at: c.record_measure(at, measure, texts))


def dispute(
    case: Case,
    reason: Annotated[str, typer.Option("--reason", metavar="原因", help="哪里不相符")],
    config: Config,
    version: Version = None,
) -> None:
    """工作人员：认为比对结果有误，提请区纪委确认（规则R38）。"""
    _step(config, case, version, lambda c, at: c.dispute(at, reason))


def post(
    case: Case,
    hotlines: Hotlines,
    config: Config,
    remark: Annotated[str, typer.Option("--remark", metavar="备注", help="公示表备注")] = "",
    born: Annotated[
        str,
        typer.Option("--born", metavar="日期", help="证件号码不含出生日期的受益人：核实的出生日期"),
    ] = "",
    version: Version = None,
) -> None:
    """责任领导：在本单位负责的地点张贴公示（附件3），次日起公示7个整天（规则R43至R45）。"""
    lines = [_hotline(text) for text in hotlines]
    born_on = _day(born, "受益人出生日期") if born else ""
    _step(config, case, version, lambda c, at: c.post(at, lines, remark, born_on))


def take_down(case: Case, config: Config, version: Version = None) -> None:
    """责任领导：撤下本单位张贴的公示；未满期的须重新公示（规则R45）。"""
    _step(config, case, version, lambda c, at: c.take_down(at))


def record_objection(
    case: Case,
    reference: Annotated[
        str, typer.Option("--reference", metavar="编号", help="登记编号；不要写异议人姓名")
    ],
    config: Config,
    version: Version = None,
) -> None:
    """登记公示期内收到的异议，公示期暂停，由审批单位重新核查（规则R48）。"""
    _step(config, case, version, lambda c, at: c.object(at, reference))


def confirm(
    case: Case,
    reason: Annotated[str, typer.Option("--reason", metavar="原因", help="核实情况和文号")],
    config: Config,
) -> None:
    """区纪委干部：在提请单位的服务上确认比对无误，事项重新核查（规则R36）。"""
    with connect(config) as channel:
        state = ConfirmationsClient(channel).confirm(parse_ref(case), reason)
    typer.echo(f"已确认比对无误，该事项现为：{state_zh(state)}")


# --- export ---------------------------------------------------------------------------------------


def export(
    config: Config,
    case: Annotated[
        str, typer.Argument(metavar="[事项编号]", help="html、json 导出一件时填写")
    ] = "",
    form: Annotated[Form, typer.Option("--form", help="atom 为本单位全部公示的订阅源")] = Form.HTML,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="文件", help="新文件；已有的须加 --replace")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="文件夹",
            help="导出全部正在公示的，移走已到期、已撤下的；每个服务各用一个",
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="替换已有文件")] = False,
    reason: LookReason = "",
) -> None:
    """导出正在公示的内容供门户网站使用，到期、撤下的不再导出（规则R46）。"""
    if (out is None) == (folder is None):
        raise typer.BadParameter("请指定 --out 文件或 --folder 文件夹之一", param_hint="--out")
    with connect(config) as channel:
        client = MattersClient(channel)
        if folder is not None:
            done = export_folder(client, folder, reason)
            typer.echo(f"已导出正在公示的{done.written}件，移走已到期或撤下的{done.removed}件")
            return
        case_id = b"" if form is Form.ATOM else parse_ref(case)
        text = client.export_one(form.message, case_id, reason)
    assert out is not None
    write_text(out, text, replace=replace)
    typer.echo(f"已导出：{out}")


# --- the way of a step ----------------------------------------------------------------------------


def _step(
    config: Path, case: str, version: int | None, make: Callable[[MattersClient, At], MatterLine]
) -> None:
    """Makes a step at the version that the caller saw, by default the present one, and tells of it."""
    case_id = parse_ref(case)
    with connect(config) as channel:
        client = MattersClient(channel)
        seen = client.show(case_id, _LOOK).version if version is None else version
        try:
            line = make(client, At(case_id, seen))
        except ServiceError as error:
            if error.reason == "MATTER_CHANGED":
                _tell_change(client.show(case_id, _LOOK))
            raise
    for text in done_lines(line):
        console().print(text, soft_wrap=True)


def _tell_change(now: MatterLine) -> None:
    """Says who did what in the meantime; what was asked for was not done."""
    if now.steps:
        typer.echo(f"最新办理：{step_line(now.steps[-1])}", err=True)
    state = state_zh(now.state)
    typer.echo(f"现为：{state}；核对后重新办理，或加 --version {now.version}", err=True)


def _pick(known: dict[str, str], text: str, what_zh: str) -> str:
    if text not in known:
        zh = f"没有这样的{what_zh}；可用：{'、'.join(known)}"
        raise InputError("not one of the words", zh)
    return known[text]


def _day(text: str, what_zh: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InputError("a date is ISO", f"{what_zh}应写成 2026-01-31 的样子") from None


def _hotline(text: str) -> tuple[str, str]:
    office, found, number = text.replace("＝", "=").partition("=")
    if not found:
        raise InputError(
            "a hotline is office=number", "监督举报电话应写成“单位=电话”，如：某镇纪委=023-72800000"
        )
    return office.strip(), number.strip()


def _print(*lines: str) -> None:
    screen = console()
    for line in lines:
        screen.print(line, soft_wrap=True)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))

"""``libmatch leads …``: leads, from their record to their end, and from organ to organ."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from libmatch.china_time import CHINA
from libmatch.errors import InputError
from services.chassis.owner_files import write_new
from services.cli.clerk import Config, connect, console, moment_zh, parse_ref, show_table
from services.cli.nouns import NOUNS, new_app
from services.cli.peers.leads import LeadsClient
from services.rules.leads import (
    Authority,
    Disposal,
    Gravity,
    Ground,
    LeadState,
    Nature,
    Organ,
    Source,
)

if TYPE_CHECKING:
    from services.cli.peers.leads import LeadLine

Word = TypeVar("Word", bound=StrEnum)

LeadRef = Annotated[str, typer.Argument(metavar="线索编号", help="list 中显示的32位编号")]
LookReason = Annotated[str, typer.Option("--reason", metavar="原因", help="查看原因，记入审计记录")]


def _words(kind: type[StrEnum]) -> str:
    return "；".join(kind)  # some have a 、 of their own


def register(app: typer.Typer) -> None:
    """Adds the noun ``leads``."""
    group = new_app(NOUNS["leads"])
    group.command("record")(record)
    group.command("list")(list_leads)
    group.command("show")(show)
    group.command("measures")(list_measures)
    group.command("correction")(note_correction)
    group.command("dispose")(dispose)
    group.command("press")(press)
    group.command("take-over")(take_over)
    group.command("export")(export)
    group.command("import")(take_in)
    app.add_typer(group, name="leads")


def record(
    config: Config,
    ground: Annotated[str, typer.Option("--ground", metavar="类别", help=_words(Ground))],
    source: Annotated[str, typer.Option("--source", metavar="来源", help=_words(Source))],
    reference: Annotated[
        str, typer.Option("--reference", metavar="编号", help="事项、抽查对象或来文的编号")
    ],
    authority: Annotated[
        str, typer.Option("--authority", metavar="管理权限", help=_words(Authority))
    ],
    unit: Annotated[str, typer.Option("--unit", metavar="单位代码", help="反映对象所在单位")],
    about: Annotated[str, typer.Option("--about", metavar="反映对象", help="姓名和职务")],
    summary: Annotated[str, typer.Option("--summary", metavar="主要问题", help="不写证件号码")],
    responsible: Annotated[
        str,
        typer.Option("--responsible", metavar="单位代码", help="由哪个单位（镇街）负责；同上不填"),
    ] = "",
    discipline: Annotated[
        bool, typer.Option("--discipline", help="反映对象是纪检监察人员")
    ] = False,
    discovered: Annotated[
        str, typer.Option("--discovered", metavar="时间", help="发现时间，如 2018-09-03T09:30")
    ] = "",
) -> None:
    """登记问题线索；由哪一级办理按干部管理权限确定。"""
    values = {
        "ground": f"GROUND_{_word(Ground, ground, '线索类别').name}",
        "source": f"SOURCE_{_word(Source, source, '线索来源').name}",
        "reference": reference,
        "authority": f"AUTHORITY_{_word(Authority, authority, '干部管理权限').name}",
        "unit": unit,
        "responsible_unit": responsible,
        "discipline": discipline,
        "discovered_at_us": _moment_us(discovered) if discovered else 0,
        "about": about,
        "summary": summary,
    }
    with connect(config) as channel:
        _tell(LeadsClient(channel).record(values))


def list_leads(config: Config, reason: LookReason) -> None:
    """列出本组织登记或办理的线索。"""
    with connect(config) as channel:
        leads = LeadsClient(channel).list_leads(reason)
    headings = ("编号", "类别", "反映对象", "办理", "状态", "期限")
    show_table("问题线索", headings, [_row(line) for line in leads])


def show(lead: LeadRef, config: Config, reason: LookReason) -> None:
    """查看一件线索和每一步办理。"""
    with connect(config) as channel:
        line = LeadsClient(channel).get(parse_ref(lead), reason)
    _tell(line)
    screen = console()
    for step in line.steps:
        who = f"{step.unit} {step.person}"
        text = f"  {moment_zh(step.at_us)} {who} {step.what}：{step.text}"
        screen.print(text, soft_wrap=True)
        if step.without_effect:
            screen.print(f"    未生效：{step.without_effect}", soft_wrap=True)


def list_measures(config: Config, reason: LookReason) -> None:
    """列出核查不合规后的处理，以及是否已登记为线索（规则R41）。"""
    with connect(config) as channel:
        measures = LeadsClient(channel).list_measures(reason)
    headings = ("事项", "审批单位", "处理", "处理日期", "移送", "文号", "移送日期", "线索")
    rows = [
        (
            one.case_id.hex(),
            *(one.approving_unit, one.kind, one.decided_on, one.lead_to),
            *(one.lead_reference, one.lead_on, one.lead_id.hex() or "尚未登记"),
        )
        for one in measures
    ]
    show_table("不合规事项的处理和移送", headings, rows)


def note_correction(
    lead: LeadRef,
    config: Config,
    at: Annotated[str, typer.Option("--at", metavar="时间", help="如 2018-09-03T09:30")],
) -> None:
    """登记本人自行更正的时间；在被发现之前更正的，是漏报不是瞒报。"""
    with connect(config) as channel:
        _tell(LeadsClient(channel).note_correction(parse_ref(lead), _moment_us(at)))


def dispose(
    lead: LeadRef,
    disposal: Annotated[str, typer.Argument(metavar="处置", help=_words(Disposal))],
    config: Config,
    grounds: Annotated[str, typer.Option("--grounds", metavar="依据", help="处置依据和结论")],
    nature: Annotated[
        str, typer.Option("--nature", metavar="性质", help="不如实报告查实的：漏报、瞒报")
    ] = "",
    because: Annotated[
        str, typer.Option("--because", metavar="理由", help="更正先前的处置结论时必填")
    ] = "",
) -> None:
    """登记处置结果。先前的结论不能改动，只能写明理由后更正。"""
    named = f"DISPOSAL_{_word(Disposal, disposal, '处置方式').name}"
    kind = _word(Nature, nature, "漏报或瞒报").name if nature else "UNSPECIFIED"
    with connect(config) as channel:
        client = LeadsClient(channel)
        _tell(client.dispose(parse_ref(lead), named, f"NATURE_{kind}", grounds, because))


def press(
    lead: LeadRef,
    config: Config,
    due_on: Annotated[str, typer.Option("--due", metavar="日期", help="如 2018-09-30")],
) -> None:
    """区纪委：督办，提前办理期限。"""
    with connect(config) as channel:
        _tell(LeadsClient(channel).press(parse_ref(lead), due_on))


def take_over(
    lead: LeadRef,
    gravity: Annotated[str, typer.Argument(metavar="理由", help=_words(Gravity))],
    config: Config,
) -> None:
    """区纪委：提级直接查办。"""
    named = f"GRAVITY_{_word(Gravity, gravity, '直接查办的理由').name}"
    with connect(config) as channel:
        _tell(LeadsClient(channel).take_over(parse_ref(lead), named))


def export(
    lead: LeadRef,
    config: Config,
    out: Annotated[Path, typer.Option("--out", metavar="文件", help="新文件，只有接收方能打开")],
    to: Annotated[
        str, typer.Option("--to", metavar="单位代码", help="反馈登记单位或区纪委时填写")
    ] = "",
) -> None:
    """导出移送（反馈）文件，按接收方公钥加密并签名。"""
    with connect(config) as channel:
        recipient, data = LeadsClient(channel).export(parse_ref(lead), to)
    write_new(out, data)
    console().print(f"已写入{out}，接收单位：{recipient}", soft_wrap=True)


def take_in(
    file: Annotated[Path, typer.Argument(metavar="文件", help="其他组织移送（反馈）的文件")],
    config: Config,
) -> None:
    """接收其他组织移送（反馈）的线索。重复接收没有影响。"""
    with connect(config) as channel:
        line, sender, new = LeadsClient(channel).take_in(file.read_bytes())
    console().print(f"来自{sender}，新增{new}步")
    _tell(line)


def _word(kind: type[Word], text: str, what_zh: str) -> Word:
    try:
        return kind(text)
    except ValueError:
        raise InputError("no such word", f"“{what_zh}”应为：{_words(kind)}") from None


def _moment_us(text: str) -> int:
    """Microseconds of a time as a clerk writes it, China's where no zone is given."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("a time is ISO", "时间应写成 2018-09-03T09:30 的形式") from None
    return int((at if at.tzinfo else at.replace(tzinfo=CHINA)).timestamp()) * 1_000_000


def _zh(kind: type[StrEnum], name: str) -> str:
    """The words behind a protobuf enum's name, such as ``GROUND_LEAK``."""
    return next((one.value for one in kind if name.endswith(f"_{one.name}")), "")


def _tell(line: LeadLine) -> None:
    screen = console()
    screen.print(f"{line.lead_id.hex()}  {_zh(Ground, line.ground)}  {line.about}", soft_wrap=True)
    organ = f"{_zh(Organ, line.organ)} {line.organ_unit}".strip()
    screen.print(f"  {_zh(LeadState, line.state)}；办理：{organ}；期限{line.due_on}")
    if line.handed_to:
        screen.print(f"  已移送（反馈）：{'、'.join(line.handed_to)}")
    if line.self_corrected:
        screen.print("  本人在被发现之前已自行更正")
    if ended := _zh(Disposal, line.disposal):
        screen.print(f"  处置：{ended}{_zh(Nature, line.nature)}")


def _row(line: LeadLine) -> tuple[str, ...]:
    organ = line.organ_unit or _zh(Organ, line.organ)
    due = f"{line.due_on}（逾期）" if line.overdue else line.due_on
    what = (_zh(Ground, line.ground), line.about, organ, _zh(LeadState, line.state))
    return line.lead_id.hex(), *what, due

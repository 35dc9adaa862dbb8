"""``libmatch beneficiary …``: an approving unit's clerk imports items, asks the gate, reads notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import beneficiary_lists, carrying
from services.cli.clerk import (
    Config,
    Files,
    LookReason,
    Reason,
    connect,
    import_files,
    moment_zh,
    show_table,
    tell_sync,
)
from services.cli.exits import Exit
from services.cli.nouns import NOUNS, new_app
from services.cli.peers import BeneficiaryClient

if TYPE_CHECKING:
    from services.cli.peers import ClearanceLine, ItemNoticeLine, PersonLine

_PERSON_ZH = {
    "PERSON_STATUS_ENTERED": "已录入",
    "PERSON_STATUS_SEALED": "待发送",
    "PERSON_STATUS_ACCEPTED": "参加比对",
    "PERSON_STATUS_WITHDRAWN": "已撤回",
}
_CLEAR = "ITEM_STATUS_CLEAR"
_ITEM_ZH = {
    "ITEM_STATUS_NOT_SUBMITTED": "未提交比对，不得审批",
    "ITEM_STATUS_PENDING": "比对未完成，请稍后再查",
    _CLEAR: "未比中，可以审批",
    "ITEM_STATUS_HOLD": "有比中，核查公示前不得审批",
}
_PER_CALL = 500  # the service's limit


def register(app: typer.Typer) -> None:
    """Adds the noun ``beneficiary``."""
    group = new_app(NOUNS["beneficiary"])
    group.command("import")(import_items)
    group.command("sync")(sync)
    carrying.register(group)
    group.command("list")(list_items)
    group.command("check")(check)
    group.command("withdraw")(withdraw)
    group.command("notices")(list_notices)
    beneficiary_lists.register(group)
    app.add_typer(group, name="beneficiary")


def import_items(
    files: Files,
    config: Config,
    actual: Annotated[
        bool, typer.Option("--actual", help="事后名单：实际受益人（不填为事前名单：拟受益人）")
    ] = False,
) -> None:
    """导入受益人名单；未采纳的行另写“原文件名.问题.xlsx”，改好后可重新导入。

    已设三员的单位，名单经责任领导审核、党组织负责人签署意见后参加比对。重复导入同一文件不会产生任何变化。
    有未采纳的行时退出码为 4。
    """
    with connect(config) as channel:
        import_files(BeneficiaryClient(channel, actual=actual), files)


def sync(config: Config) -> None:
    """立即与比对平台同步：发送数据，接收通知。"""
    with connect(config) as channel:
        tell_sync(BeneficiaryClient(channel).sync())


def list_items(config: Config, reason: LookReason = "") -> None:
    """列出本单位的事项、人员及各条的状态。查看会记入审计记录。"""
    with connect(config) as channel:
        lines = BeneficiaryClient(channel).list_persons(reason)
    headings = ("编号", "事项", "资金（项目）", "姓名", "身份", "状态")
    show_table("受益事项", headings, [_person_row(line) for line in lines])


def check(
    refs: Annotated[list[str], typer.Argument(metavar="编号…", help="事项编号，一个或多个")],
    config: Config,
) -> None:
    """查询事项能否审批。只有全部为“可以审批”时退出码为 0，否则为 4。"""
    with connect(config) as channel:
        client = BeneficiaryClient(channel)
        starts = range(0, len(refs), _PER_CALL)
        answers = [a for start in starts for a in client.check(refs[start : start + _PER_CALL])]
    headings = ("编号", "结果", "查询时间", "有效期至", "日志序号", "原因")
    show_table("放行查询", headings, [_clearance_row(answer) for answer in answers])
    if any(answer.status != _CLEAR for answer in answers):
        raise typer.Exit(Exit.PARTIAL)


def withdraw(
    ref: Annotated[str, typer.Argument(metavar="编号", help="事项编号")],
    config: Config,
    reason: Reason,
) -> None:
    """撤回一个事项及其全部人员：撤回后不再参加比对。已设三员的单位，经审核、签署后撤回。"""
    with connect(config) as channel:
        count, list_id = BeneficiaryClient(channel).ask_withdrawal(ref, reason)
    if list_id:
        typer.echo(f"已登记为名单{list_id.hex()}，待责任领导审核、党组织负责人签署意见")
    else:
        typer.echo(f"已撤回{count}条")


def list_notices(config: Config, reason: LookReason = "") -> None:
    """列出收到的比中通知：本单位事项的受益人是哪位党员干部的亲属。比中不等于违规。"""
    with connect(config) as channel:
        lines = BeneficiaryClient(channel).list_notices(reason)
    headings = (
        *("收到时间", "编号", "事项", "姓名", "党员干部", "单位", "职务"),
        *("与受益人关系", "说明"),
    )
    show_table("比中通知（比中不等于违规）", headings, [_notice_row(line) for line in lines])


def _person_row(line: PersonLine) -> tuple[str, ...]:
    status = _PERSON_ZH.get(line.status, line.status)
    return (line.item_ref, line.item_name, line.programme, line.name, line.capacity, status)


def _clearance_row(line: ClearanceLine) -> tuple[str, ...]:
    status = _ITEM_ZH.get(line.status, line.status)
    times = (moment_zh(line.checked_at_us), moment_zh(line.expires_at_us))
    number = str(line.leaf_index) if line.tree_size else ""
    return (line.item_ref, status, *times, number, "；".join(line.holds))


def _notice_row(line: ItemNoticeLine) -> tuple[str, ...]:
    return (
        *(moment_zh(line.received_at_us), line.item_ref, line.item_name, line.person),
        *(line.official, line.official_unit, line.official_post, line.relation),
        "与本单位记录不符，请勿处理并告知纪委" if line.disputed else "",
    )

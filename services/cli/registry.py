"""``libmatch registry …``: a reporting unit imports declarations, signs them off and reads notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import carrying, signoff
from services.cli.clerk import (
    Config,
    LookReason,
    Reason,
    connect,
    moment_zh,
    parse_ref,
    show_table,
    tell_sync,
    yuan,
)
from services.cli.nouns import NOUNS, new_app
from services.cli.peers import RegistryClient

if TYPE_CHECKING:
    from services.cli.peers import OfficialNoticeLine, RelativeLine

_STATUS_ZH = {
    "RELATIVE_STATUS_ENTERED": "已录入",
    "RELATIVE_STATUS_SEALED": "待发送",
    "RELATIVE_STATUS_ACCEPTED": "参加比对",
    "RELATIVE_STATUS_ID_UNKNOWN": "证件号码待补",
    "RELATIVE_STATUS_WITHDRAWN": "已撤回",
}


def register(app: typer.Typer) -> None:
    """Adds the noun ``registry``."""
    group = new_app(NOUNS["registry"])
    signoff.register(group)
    group.command("sync")(sync)
    carrying.register(group)
    group.command("list")(list_declarations)
    group.command("withdraw")(withdraw)
    group.command("notices")(list_notices)
    app.add_typer(group, name="registry")


def sync(config: Config) -> None:
    """立即与比对平台同步：发送数据，接收通知。"""
    with connect(config) as channel:
        tell_sync(RegistryClient(channel).sync())


def list_declarations(config: Config, reason: LookReason = "") -> None:
    """列出本单位的申报及各条的状态。查看会记入审计记录。"""
    with connect(config) as channel:
        lines = RegistryClient(channel).list_relatives(reason)
    headings = ("报告人", "职务", "报告人编号", "亲属", "关系", "状态", "亲属编号")
    show_table("亲属申报", headings, [_relative_row(line) for line in lines])


def withdraw(
    official: Annotated[str, typer.Argument(metavar="报告人编号", help="list 中的32位编号")],
    config: Config,
    reason: Reason,
    relatives: Annotated[
        list[str] | None,
        typer.Argument(metavar="[亲属编号…]", help="不填则撤回该报告人的全部记录"),
    ] = None,
) -> None:
    """撤回申报：撤回后不再参加比对。"""
    refs = [parse_ref(text) for text in relatives or []]
    with connect(config) as channel:
        count = RegistryClient(channel).withdraw(parse_ref(official), refs, reason)
    typer.echo(f"已撤回{count}条")


def list_notices(config: Config, reason: LookReason = "") -> None:
    """列出收到的比中通知：本单位人员的亲属享受了哪些事项。比中不等于违规。"""
    with connect(config) as channel:
        lines = RegistryClient(channel).list_notices(reason)
    headings = (
        *("收到时间", "报告人", "亲属", "关系", "审批单位", "事项", "资金（项目）"),
        *("金额（元）", "地点", "说明"),
    )
    show_table("比中通知（比中不等于违规）", headings, [_notice_row(line) for line in lines])


def _relative_row(line: RelativeLine) -> tuple[str, ...]:
    status = _STATUS_ZH.get(line.status, line.status)
    return (
        *(line.official, line.post, line.official_ref),
        *(line.name, line.relation, status, line.ref),
    )


def _notice_row(line: OfficialNoticeLine) -> tuple[str, ...]:
    return (
        *(moment_zh(line.received_at_us), line.official, line.relative, line.relation),
        *(line.approving_unit, line.item_name, line.programme, yuan(line.amount_fen), line.place),
        "与本单位记录不符，请勿处理并告知纪委" if line.disputed else "",
    )

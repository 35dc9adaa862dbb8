"""``libmatch beneficiary …``: lists that wait, their review and signature, and what was carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from libmatch.errors import InputError
from services.cli.clerk import (
    Config,
    LookReason,
    connect,
    console,
    moment_zh,
    parse_ref,
    show_table,
    yuan,
)
from services.cli.exits import Exit
from services.cli.peers.lists import ListsClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.cli.peers.lists import DifferenceLine, ListedPersonLine, ListLine

_KIND_ZH = {
    "LIST_KIND_PRE": "事前名单",
    "LIST_KIND_POST": "事后名单",
    "LIST_KIND_WITHDRAWAL": "撤回",
}
_STATE_ZH = {
    "LIST_STATE_WAITING": "待办",
    "LIST_STATE_IN_FORCE": "已生效",
    "LIST_STATE_REPLACED": "已被新名单取代",
    "LIST_STATE_DISCARDED": "已撤销",
}
_DIFFERENCE_ZH = {
    "": "事后名单逾期未录入",
    "DIFFERENCE_KIND_ADDED": "新增，审批前未经比对",
    "DIFFERENCE_KIND_MISSING": "未出现在事后名单",
    "DIFFERENCE_KIND_AMOUNT": "金额不同",
    "DIFFERENCE_KIND_CAPACITY": "身份不同",
    "DIFFERENCE_KIND_NO_PRE_LIST": "没有事前名单，审批前未经比对",
}

ListId = Annotated[str, typer.Argument(metavar="名单编号", help="lists 中显示的编号")]
Digest = Annotated[
    str, typer.Option("--digest", metavar="摘要", help="show-list 中显示的内容摘要（64位）")
]


def register(group: typer.Typer) -> None:
    """Adds the commands about lists to the noun ``beneficiary``."""
    group.command("lists")(list_lists)
    group.command("show-list")(show_list)
    group.command("review-list")(review_list)
    group.command("sign-list")(sign_list)
    group.command("discard-list")(discard_list)
    group.command("reconcile")(reconcile)


def list_lists(
    config: Config,
    waiting: Annotated[bool, typer.Option("--waiting", help="只列出待审核、签署的")] = False,
) -> None:
    """列出名单：谁录入、谁审核、谁签署，是否生效。"""
    with connect(config) as channel:
        lines = ListsClient(channel).list_all(waiting=waiting)
    headings = ("编号", "种类", "状态", "事项数", "录入", "审核", "签署意见", "说明")
    show_table("名单", headings, [_list_row(line) for line in lines])


def show_list(list_id: ListId, config: Config, reason: LookReason = "") -> None:
    """查看一份名单的全部内容和摘要，供审核、签署。查看会记入审计记录。"""
    with connect(config) as channel:
        line, persons = ListsClient(channel).show(parse_ref(list_id), reason)
    show_content(line, persons)
    _tell(line)


def show_content(line: ListLine, persons: Sequence[ListedPersonLine]) -> None:
    """What the list says; of one that no longer waits, or withdraws, only about which items."""
    title = _KIND_ZH.get(line.kind, line.kind)
    if line.state == "LIST_STATE_WAITING" and line.kind != "LIST_KIND_WITHDRAWAL":
        headings = ("编号", "事项", "资金（项目）", "金额（元）", "地点", "时间", "单位")
        headings_too = (*headings, "姓名", "身份", "证件号码")
        show_table(title, headings_too, [_person_row(one) for one in persons])
        return
    show_table(title, ("编号",), [(one.item_ref,) for one in persons])
    if line.state != "LIST_STATE_WAITING":
        console().print("该名单已不待办，只列事项编号；已生效的内容见 libmatch beneficiary list")


def review_list(list_id: ListId, digest: Digest, config: Config) -> None:
    """责任领导：审核所查看的名单（不得为录入人）。"""
    with connect(config) as channel:
        _tell(ListsClient(channel).review(parse_ref(list_id), _parse_digest(digest)))


def sign_list(list_id: ListId, digest: Digest, config: Config) -> None:
    """党组织主要负责人：对所查看的名单签署意见。内容有改动的，须重新查看、签署。"""
    with connect(config) as channel:
        _tell(ListsClient(channel).sign(parse_ref(list_id), _parse_digest(digest)))


def discard_list(
    list_id: ListId,
    config: Config,
    reason: Annotated[str, typer.Option("--reason", metavar="原因", help="记入审计记录")],
) -> None:
    """撤销一份待签署的名单；已生效的内容不变。"""
    with connect(config) as channel:
        _tell(ListsClient(channel).discard(parse_ref(list_id), reason))


def reconcile(
    config: Config,
    refs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[编号…]", help="事项编号；不填为全部有差异或逾期的"),
    ] = None,
    reason: LookReason = "",
) -> None:
    """核对事前、事后名单：谁是新增的，谁没有享受，金额、身份有无变化，谁逾期。有差异时退出码为 4。"""
    with connect(config) as channel:
        lines, left_out = ListsClient(channel).reconcile(refs or [], reason)
    headings = ("编号", "事项", "差异", "姓名", "事前", "事后", "事后名单期限")
    show_table("事前、事后名单差异", headings, [_difference_row(line) for line in lines])
    if left_out:
        typer.echo(f"还有{left_out}个事项有差异或逾期，未列出，请按编号查询")
    if lines:
        raise typer.Exit(Exit.PARTIAL)


def _parse_digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise InputError("a digest is 64 hex digits", "摘要应为 show-list 中显示的64位字符")
    return digest


def _tell(line: ListLine) -> None:
    screen = console()
    screen.print(f"名单：{line.list_id.hex()}（{_KIND_ZH.get(line.kind, line.kind)}）")
    screen.print(f"内容摘要：{line.digest.hex()}", soft_wrap=True)
    screen.print(f"状态：{_state(line)}")


def _state(line: ListLine) -> str:
    if line.state != "LIST_STATE_WAITING":
        return _STATE_ZH.get(line.state, line.state)
    wanted = [
        text
        for done, text in (
            (line.reviewed_by, "责任领导审核"),
            (line.signed_by, "党组织负责人签署意见"),
        )
        if not done
    ]
    return "待" + "、".join(wanted)


def _list_row(line: ListLine) -> tuple[str, ...]:
    steps = (
        (line.imported_by, line.imported_at_us),
        (line.reviewed_by, line.reviewed_at_us),
        (line.signed_by, line.signed_at_us),
    )
    done = (f"{who} {moment_zh(at)}".strip() for who, at in steps)
    kind = _KIND_ZH.get(line.kind, line.kind)
    return line.list_id.hex(), kind, _state(line), str(line.items), *done, line.reason


def _person_row(line: ListedPersonLine) -> tuple[str, ...]:
    facts = (line.item_ref, line.item_name, line.programme, yuan(line.amount_fen), line.place)
    return *facts, line.start, line.company, line.name, line.capacity, line.identifier


def _difference_row(line: DifferenceLine) -> tuple[str, ...]:
    what = _DIFFERENCE_ZH.get(line.kind, line.kind)
    before = f"{line.before} {yuan(line.before_fen)}".strip()
    after = f"{line.after} {yuan(line.after_fen)}".strip()
    return line.item_ref, line.item_name, what, line.person, before, after, line.due_on

"""``libmatch inspector …``: an officer of 纪委 pulls, looks at cases, agrees to their release."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from libmatch.errors import InputError, LogError, ServiceError
from services.chassis.owner_files import write_new
from services.cli.case_stages import stages_zh
from services.cli.clerk import connect, console, moment_zh, show_table, yuan
from services.cli.exits import Exit
from services.cli.nouns import NOUNS, new_app
from services.inspector.peers.desk import MAX_CASES, DeskClient

if TYPE_CHECKING:
    from services.inspector.peers.desk import CaseLine, PulledLine

STATUS_ZH = {
    "CASE_STATUS_OPENED": "待发出",
    "CASE_STATUS_RELEASED": "已发出",
    "CASE_STATUS_WITHDRAWN": "已撤回",
}
Config = Annotated[
    Path, typer.Option("--config", metavar="文件", help="纪委干部的配置文件，由管理员提供")
]
_CLIENT = Path("client.toml")
_LOOK_ZH = "核对比中情况"


def register(app: typer.Typer) -> None:
    """Adds the noun ``inspector``."""
    group = new_app(NOUNS["inspector"])
    group.command("pull")(pull)
    group.command("cases")(list_cases)
    group.command("release")(release)
    group.command("disputes")(list_disputes)
    app.add_typer(group, name="inspector")


def pull(config: Config = _CLIENT) -> None:
    """立即拉取一轮：核验日志，检查新批次，打开比中记录，发出已同意的告知书。

    发现新的争议或打不开的批次时退出码为 4；平台日志前后矛盾时为 5。
    """
    screen = Console(stderr=True, highlight=False, markup=False, emoji=False)
    with connect(config) as channel, screen.status("正在拉取……"):
        try:
            done = DeskClient(channel).pull()
        except ServiceError as error:
            if error.reason == "LOG_CONTRADICTS":
                raise LogError(error.message) from error
            raise
    _tell_pull(done)


def list_cases(
    config: Config = _CLIENT,
    unit: Annotated[str, typer.Option(metavar="单位代码", help="只看该单位申报或审批的")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="文件", help="另存为 .xlsx，不覆盖已有文件")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="事由", help="查看事由，记入审计记录")
    ] = _LOOK_ZH,
    full_numbers: Annotated[
        bool, typer.Option("--full-numbers", help="写出完整证件号码（默认遮盖中段）")
    ] = False,
) -> None:
    """列出比中情况。每次查看都会记入审计记录。比中不等于违规。"""
    with connect(config) as channel:
        cases = list(DeskClient(channel).list_cases(reason, unit))
    if out is None:
        headings = (
            *("序号", "状态", "党员干部", "职务", "关系", "受益人", "证件号码", "申报单位"),
            *("审批单位", "事项编号", "资金（项目）", "金额（元）"),
        )
        rows = [_case_row(case, full_numbers=full_numbers) for case in cases]
        show_table("比中情况（比中不等于违规）", headings, rows)
        return
    from services.cli.cases_workbook import write_cases

    write_new(out, write_cases(cases, STATUS_ZH, datetime.now(UTC), full_numbers=full_numbers))
    console().print(f"已写入{out}，共{len(cases)}条；内容保密，请妥善保管", soft_wrap=True)


def release(
    reason: Annotated[
        str, typer.Option("--reason", metavar="事由", help="同意发出的事由，记入审计记录")
    ],
    cases: Annotated[
        list[str] | None,
        typer.Argument(metavar="[比中…]", help="cases 中的序号，或32位编号"),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="所有待发出的，申报与名单姓名不一致的除外")
    ] = False,
    config: Config = _CLIENT,
) -> None:
    """同意把告知书发给双方单位。规则要求两人时，另一名干部也同意后才发出。"""
    if bool(cases) == every:
        raise typer.BadParameter("请指定比中的序号，或用 --all", param_hint="比中")
    released = awaiting = unchanged = 0
    with connect(config) as channel:
        desk = DeskClient(channel)
        ids = _find_ids(desk, cases or [], reason)
        for start in range(0, len(ids), MAX_CASES):
            done = desk.release(ids[start : start + MAX_CASES], reason)
            released, awaiting = released + done.released, awaiting + done.awaiting_second
            unchanged += done.unchanged
    screen = console()
    screen.print(f"已同意发出{released}件，等待另一名干部同意{awaiting}件")
    if unchanged:
        screen.print(f"未变{unchanged}件：此前已发出，或记录已撤回")


def list_disputes(config: Config = _CLIENT) -> None:
    """列出争议：打不开、对不上的记录及责任方。"""
    with connect(config) as channel:
        disputes = list(DeskClient(channel).list_disputes())
    rows = [
        (
            str(line.number),
            moment_zh(line.found_at_us),
            "、".join(_party_zh(name) for name in line.answerable) or "待定",
            line.what,
            line.hit_id[:16],
        )
        for line in disputes
    ]
    show_table("争议", ("序号", "发现时间", "责任方", "情况", "比中记录"), rows)


def _tell_pull(done: PulledLine) -> None:
    """Says what a round came to. Raises typer.Exit where something did not hold."""
    screen = console()
    screen.print(
        f"检查新批次{done.batches}个，打开比中{done.hits}条，撤回{done.withdrawn}条，"
        f"发出告知书{done.notices}件"
    )
    if done.waiting:
        screen.print(f"有{done.waiting}条比中所属的单位或周期不在纪委现有名册中，请更新名册")
    if done.bad_capsules or done.disputes:
        screen.print(
            f"打不开的批次{done.bad_capsules}个，新的争议{done.disputes}件，"
            "请用 libmatch inspector disputes 查看"
        )
        raise typer.Exit(Exit.PARTIAL)


def _find_ids(desk: DeskClient, names: Sequence[str], reason: str) -> list[str]:
    """The ids of the cases that were named, or of all that wait. Raises InputError for an unknown one."""
    if names and all(len(name) == 32 for name in names):
        return [_check_hex(name) for name in names]
    found = list(desk.list_cases(reason))
    if not names:
        waiting = [case for case in found if case.status == "CASE_STATUS_OPENED"]
        if differing := sum(case.names_differ for case in waiting):
            console().print(
                f"申报与名单姓名不一致的{differing}件未发出：请先核对证件号码是否录错，确认后写明序号发出"
            )
        return [case.case_id for case in waiting if not case.names_differ]
    known = {str(case.number): case.case_id for case in found}
    known |= {case.case_id: case.case_id for case in found}
    if unknown := [name for name in names if name not in known]:
        zh = f"有{len(unknown)}个序号不存在，请先用 libmatch inspector cases 核对"
        raise InputError("no such case", zh)  # what was typed may be anything: it is not repeated
    return [known[name] for name in names]


def _check_hex(text: str) -> str:
    try:
        return bytes.fromhex(text).hex()
    except ValueError:
        raise InputError("a case is named by 32 hex digits", "编号应为32位字符") from None


def _case_row(case: CaseLine, *, full_numbers: bool) -> tuple[str, ...]:
    from services.cli.cases_workbook import show_number

    name = case.person_name + (f"（名单为{case.listed_name}）" if case.names_differ else "")
    number = show_number(case.person_kind, case.person_idn, full=full_numbers)
    post = f"{case.official_unit} {case.official_post}".strip()
    return (
        *(str(case.number), _status_zh(case)),
        *(case.official_name, post, case.relation, name, number),
        *(
            "、".join(map(case.show_unit, case.declaring_units)),
            case.show_unit(case.approving_unit),
        ),
        *(case.item_ref, case.programme or case.item_name, yuan(case.amount_fen)),
    )


def _status_zh(case: CaseLine) -> str:
    """How far the units are, once the case was sent out; what it waits for before."""
    status = STATUS_ZH.get(case.status, case.status)
    return stages_zh(case) if case.status == "CASE_STATUS_RELEASED" else status


def _party_zh(name: str) -> str:
    return "比对平台" if name == "matcher" else name

"""``libmatch accounts …``: from the staff form to a working account, each step by another person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from libmatch.errors import InputError
from services.chassis.owner_files import write_new
from services.cli.clerk import Config, connect, console, show_table
from services.cli.exits import Exit
from services.cli.nouns import NOUNS, new_app
from services.cli.peers.accounts import AccountsClient
from services.cli.staff_form import read_form, shown_rows, write_blank

if TYPE_CHECKING:
    from services.cli.peers.accounts import AccountLine

_ROLES = {
    "工作人员": "ROLE_WORKER",
    "责任领导": "ROLE_RESPONSIBLE_LEADER",
    "党组织主要负责人": "ROLE_PARTY_HEAD",
    "分管领导": "ROLE_LEADER_IN_CHARGE",
    "驻村领导": "ROLE_VILLAGE_LEADER",
    "同级纪检组织负责人": "ROLE_DISCIPLINE_HEAD",
    "单位纪检组织工作人员": "ROLE_DISCIPLINE_ORGAN",
}
_ROLE_ZH = {name: zh for zh, name in _ROLES.items()}
_STATE_ZH = {
    "ACCOUNT_STATE_INCOMPLETE": "尚不能启用",
    "ACCOUNT_STATE_WORKING": "已启用",
    "ACCOUNT_STATE_DISABLED": "已停用",
}
_LOOK = "办理账号手续"  # why a step looks at the form that it is about

Login = Annotated[str, typer.Argument(metavar="登录名", help="经办人证书上的登录名")]
Why = Annotated[str, typer.Option("--reason", metavar="原因", help="记入审计记录")]
On = Annotated[str, typer.Option("--on", metavar="日期", help="如 2026-01-31")]


def register(app: typer.Typer) -> None:
    """Adds the noun ``accounts``."""
    group = new_app(NOUNS["accounts"])
    group.command("form")(write_form)
    group.command("propose")(propose)
    group.command("pledge")(pledge)
    group.command("opinion")(record_opinion)
    group.command("file")(record_filing)
    group.command("roles")(grant_roles)
    group.command("disable")(disable)
    group.command("list")(list_accounts)
    group.command("show")(show)
    group.command("check")(check)
    app.add_typer(group, name="accounts")


def write_form(
    out: Annotated[Path, typer.Option("--out", metavar="文件", help="新文件（.toml）")],
) -> None:
    """生成空白的基本情况表（附件4），填好后用于 propose。"""
    write_new(out, write_blank().encode("utf-8"))
    typer.echo(f"已生成：{out}")


def propose(
    login: Login,
    form: Annotated[Path, typer.Option("--form", metavar="文件", help="基本情况表（.toml .json）")],
    config: Config,
    discipline: Annotated[
        bool, typer.Option("--discipline", help="该同志从事纪检监察工作")
    ] = False,
) -> None:
    """系统管理员：登记基本情况表，提出账号。重新登记后各项手续须重新办理。"""
    values = read_form(form)
    with connect(config) as channel:
        _tell(AccountsClient(channel).propose(login, values, discipline=discipline))


def pledge(
    name: Annotated[str, typer.Option("--name", metavar="姓名", help="本人姓名，即承诺人签名")],
    config: Config,
) -> None:
    """本人：签署保密承诺书。须使用本人的证书。"""
    from services.rules.people import CONFIDENTIALITY_PLEDGE

    with connect(config) as channel:
        client = AccountsClient(channel)
        own, _ = client.show()
        typer.echo(CONFIDENTIALITY_PLEDGE)
        _tell(client.pledge(own.form_digest, name))


def record_opinion(
    login: Login,
    on: On,
    config: Config,
    against: Annotated[bool, typer.Option("--against", help="党组织不同意")] = False,
) -> None:
    """安全管理员（或党组织主要负责人）：登记已盖章的党组织意见。"""
    with connect(config) as channel:
        client = AccountsClient(channel)
        _tell(client.record_opinion(_about(client, login), approves=not against, on=on))


def record_filing(
    login: Login,
    number: Annotated[str, typer.Option("--number", metavar="备案号", help="区纪委备案号")],
    on: On,
    config: Config,
) -> None:
    """安全管理员：登记区纪委备案。"""
    with connect(config) as channel:
        client = AccountsClient(channel)
        _tell(client.record_filing(_about(client, login), number, on))


def grant_roles(
    login: Login,
    roles: Annotated[list[str], typer.Argument(metavar="角色…", help="、".join(_ROLES))],
    config: Config,
) -> None:
    """安全管理员：授予角色，代替原有角色。"""
    if unknown := [role for role in roles if role not in _ROLES]:
        text = f"没有角色“{unknown[0]}”；可用：{'、'.join(_ROLES)}"
        raise InputError("no such role", text)
    with connect(config) as channel:
        client = AccountsClient(channel)
        _tell(client.grant_roles(_about(client, login), [_ROLES[role] for role in roles]))


def disable(
    login: Login,
    config: Config,
    reason: Annotated[str, typer.Option("--reason", metavar="原因", help="记入审计记录")],
) -> None:
    """系统管理员：停用账号。"""
    with connect(config) as channel:
        _tell(AccountsClient(channel).disable(login, reason))


def list_accounts(config: Config, reason: Why = _LOOK) -> None:
    """三员：列出全部账号。查看会记入审计记录。"""
    with connect(config) as channel:
        lines, _ = AccountsClient(channel).list_accounts(reason)
    headings = ("登录名", "姓名", "角色", "状态", "还缺")
    show_table("账号", headings, [_row(line) for line in lines])


def show(
    config: Config,
    login: Annotated[
        str, typer.Argument(metavar="[登录名]", help="不填为本人；他人的须写明原因")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="原因", help="记入审计记录")] = "",
) -> None:
    """查看一个账号的基本情况表和手续。查看会记入审计记录。"""
    with connect(config) as channel:
        line, form = AccountsClient(channel).show(login, reason)
    show_table(f"基本情况表：{line.login}", ("栏目", "内容"), shown_rows(form))
    _tell(line)


def check(config: Config, reason: Why = _LOOK) -> None:
    """三员：检查各账号和本单位的人员配备。有欠缺时退出码为 4。"""
    with connect(config) as channel:
        lines, gap = AccountsClient(channel).list_accounts(reason)
    waiting = [line for line in lines if line.state == "ACCOUNT_STATE_INCOMPLETE"]
    for line in waiting:
        _tell(line)
    typer.echo(gap or "本单位责任领导和工作人员已各指定1名")
    if waiting or gap:
        raise typer.Exit(Exit.PARTIAL)


def _about(client: AccountsClient, login: str) -> AccountLine:
    """The account as it stands: the step that follows is about this form and no other."""
    return client.show(login, _LOOK)[0]


def _tell(line: AccountLine) -> None:
    screen = console()
    screen.print(f"{line.login}（{line.name}）：{_STATE_ZH.get(line.state, line.state)}")
    for gap in line.missing if line.state != "ACCOUNT_STATE_DISABLED" else ():
        screen.print(f"  还缺：{gap}", soft_wrap=True)


def _row(line: AccountLine) -> tuple[str, ...]:
    roles = "、".join(_ROLE_ZH.get(role, role) for role in line.roles)
    if line.discipline:
        roles += "（从事纪检监察工作）"
    missing = str(len(line.missing)) + "项" if line.missing else ""
    return line.login, line.name, roles, _STATE_ZH.get(line.state, line.state), missing

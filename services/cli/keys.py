"""``libmatch keys …``: a party's own keys and certificate, made and checked on its own machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from libmatch.identity import Identity
from services.authority.cards import (
    LogCard,
    PartyCard,
    parse_roles,
    read_log_card,
    read_party_card,
)
from services.authority.check_kit import Finding, check_kit, check_tls
from services.authority.errors import CeremonyError
from services.authority.install import inspect_delivery, install
from services.authority.party import (
    LOG_CARD,
    PARTY_CARD,
    PURPOSES,
    change_passphrase,
    new_log,
    new_party,
    new_tls,
    read_key_file,
)
from services.authority.summary import roles_zh, summarise
from services.chassis.owner_files import PUBLIC, write_new
from services.cli.exits import Exit
from services.cli.nouns import NOUNS, new_app
from services.cli.passphrase import read_passphrase

Kit = Annotated[Path, typer.Argument(metavar="套件", help="本单位的套件文件夹（kit）")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="口令文件（仅本人可读）；不给则从键盘输入")
]
Yes = Annotated[bool, typer.Option("--yes", help="已核对，不再询问")]
INSTALLED_ZH = {
    "first": "首次安装完成",
    "epoch": "已换用新周期，旧周期保留在旁",
    "roster": "名册已更新",
    "nothing": "已是最新，没有变化",
}


def register(app: typer.Typer) -> None:
    """Adds the noun ``keys``."""
    group = new_app(NOUNS["keys"])
    group.command("new")(make_party)
    group.command("new-log")(make_log)
    group.command("new-tls")(make_tls)
    group.command("public")(export_card)
    group.command("show")(show_key)
    group.command("change-passphrase")(rewrap)
    group.command("install")(install_delivery)
    group.command("check")(check)
    app.add_typer(group, name="keys")


def make_party(
    kit: Kit,
    unit: Annotated[str, typer.Option(help="单位代码，如 caizheng")],
    name: Annotated[str, typer.Option(help="单位名称，如 区财政局")],
    role: Annotated[
        list[str], typer.Option(help="registry（申报）、beneficiary（受益）或 inspector；可重复")
    ],
    passphrase_file: PassphraseFile = None,
) -> None:
    """生成单位（或纪委）的密钥，并写出可交给授权机构的公开卡片。"""
    roles = parse_roles(role)
    passphrase = read_passphrase(passphrase_file, "新密钥的口令", new=True)
    card = new_party(kit, unit, name, roles, passphrase)
    typer.echo(f"密钥已写入 {kit / 'keys' / 'party.key'}（请备份，口令另存）")
    _show_party_card(card)


def make_log(kit: Kit, passphrase_file: PassphraseFile = None) -> None:
    """生成比对服务的日志密钥，并写出公开卡片。"""
    passphrase = read_passphrase(passphrase_file, "新密钥的口令", new=True)
    card = new_log(kit, passphrase)
    typer.echo(f"日志密钥已写入 {kit / 'keys' / 'log.key'}")
    _show_log_card(card)


def make_tls(
    folder: Annotated[Path, typer.Argument(metavar="文件夹", help="TLS 文件夹（tls）")],
    identity: Annotated[str, typer.Option(help="身份，如 spiffe://fuling/unit/caizheng")],
) -> None:
    """生成 TLS 密钥和证书申请；私钥不离开本机，申请文件交给授权机构。"""
    made = new_tls(folder, Identity.parse(identity))
    typer.echo(f"私钥：{folder / 'key.pem'}（仅本人可读）")
    typer.echo(f"证书申请：{folder / 'request.pem'}")
    typer.echo(f"申请指纹（请当面或电话核对）：{made.fingerprint}")


def export_card(
    kit: Kit, out: Annotated[Path | None, typer.Option(help="另存公开卡片到此文件")] = None
) -> None:
    """显示公开卡片的内容和指纹；用 --out 另存后交给授权机构。"""
    path = kit / LOG_CARD
    if path.exists():
        log = read_log_card(path)
        _show_log_card(log)
        data = log.encode()
    else:
        card = read_party_card(kit / PARTY_CARD)
        _show_party_card(card)
        data = card.encode()
    if out is None:
        typer.echo(data.decode("utf-8"), nl=False)
    else:
        write_new(out, data, mode=PUBLIC)
        typer.echo(f"已另存：{out}")


def show_key(
    file: Annotated[Path, typer.Argument(metavar="密钥文件", help="任一 .key 文件")],
) -> None:
    """显示密钥文件的用途和指纹（不需要口令，不显示任何秘密）。"""
    known = read_key_file(file)
    typer.echo(f"用途：{PURPOSES[known.purpose]}")
    if known.public:
        typer.echo(f"公开部分指纹：{known.fingerprint}")


def rewrap(
    file: Annotated[Path, typer.Argument(metavar="密钥文件", help="任一 .key 文件")],
    passphrase_file: PassphraseFile = None,
    new_passphrase_file: Annotated[
        Path | None, typer.Option("--new-passphrase-file", help="新口令的文件")
    ] = None,
) -> None:
    """更换密钥文件的口令；密钥本身不变。"""
    read_key_file(file)
    old = read_passphrase(passphrase_file, "现用口令")
    change_passphrase(file, old, read_passphrase(new_passphrase_file, "新口令", new=True))
    typer.echo("口令已更换。使用旧口令文件的服务须同时更新口令文件。")


def install_delivery(
    kit: Kit,
    delivery: Annotated[Path, typer.Argument(metavar="交付件", help="授权机构交来的文件夹")],
    unit: Annotated[str, typer.Option(help="单位代码；比对服务不填")] = "",
    accept_authorities: Annotated[
        bool, typer.Option("--accept-authorities", help="确已更换保管人，接受新的授权公钥")
    ] = False,
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """核验授权机构交来的周期、名册和份额，并装入套件。"""
    files = inspect_delivery(kit, delivery, accept_authorities=accept_authorities)
    if not yes:
        typer.echo(summarise(files))
        typer.confirm("请与两位保管人核对授权公钥指纹。确认安装？", abort=True)
    keys = None
    if unit:
        from libmatch.kit import read_party_keys

        keys = read_party_keys(kit, read_passphrase(passphrase_file, "密钥口令"))
    elif (kit / "keys" / "party.key").exists():
        raise CeremonyError("the kit has party keys: name the unit", "请用 --unit 指明单位代码")
    done = install(kit, delivery, unit, keys, accept_authorities=accept_authorities)
    typer.echo(INSTALLED_ZH[done.what])


def check(
    kit: Kit,
    unit: Annotated[str, typer.Option(help="单位代码，如 caizheng")],
    tls: Annotated[Path | None, typer.Option(help="一并检查的 TLS 文件夹")] = None,
    identity: Annotated[str | None, typer.Option(help="证书应有的身份")] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """检查整个套件：密钥、签名、有效期、名册登记、密钥份额、证书。"""
    expected = Identity.parse(identity) if identity else None
    passphrase = read_passphrase(passphrase_file, "密钥口令")
    now = datetime.now(UTC)
    findings = check_kit(kit, unit, passphrase, now)
    if tls is not None:
        findings += check_tls(tls, now, expected)
    _show_findings(findings)
    if not all(finding.holds for finding in findings):
        raise typer.Exit(Exit.TRUST)


def _show_findings(findings: list[Finding]) -> None:
    for finding in findings:
        mark = "通过" if finding.holds else "不通过"
        typer.echo(f"[{mark}] {finding.subject}：{finding.text}")


def _show_party_card(card: PartyCard) -> None:
    member = card.member
    typer.echo(f"单位：{member.unit} {member.display_name}（{roles_zh(member.roles)}）")
    typer.echo(f"卡片指纹（请当面或电话核对）：{card.fingerprint}")


def _show_log_card(card: LogCard) -> None:
    typer.echo(f"日志公钥卡片指纹（请当面或电话核对）：{card.fingerprint}")

"""``libmatch authority …``: the offline ceremony, one command a step (docs/operations.md).

A custodian runs his steps alone on his own machine; what the next step needs is carried there as files.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from libmatch.china_time import china_midnight
from libmatch.identity import Identity
from libmatch.manifest import DEFAULT_BUCKET
from services.authority.cards import (
    fingerprint,
    read_commitment_card,
    read_log_card,
    read_party_card,
)
from services.authority.certificates import DEFAULT_DAYS, check_entitled, init_ca, issue, open_ca
from services.authority.custodian import init_custodian, new_share, open_custodian
from services.authority.deliver import deliver
from services.authority.enrol import enrol, revoke
from services.authority.epoch_folder import (
    read_authority_keys,
    read_epoch_files,
    write_epoch_files,
)
from services.authority.errors import CeremonyError
from services.authority.propose import ALL_KINDS, Terms, propose_epoch
from services.authority.requests import parse_request
from services.authority.seal_shares import seal_shares
from services.authority.sign import sign_epoch
from services.authority.summary import format_time, summarise
from services.chassis.owner_files import PUBLIC, refuse_existing, write_new
from services.cli.nouns import NOUNS, new_app
from services.cli.passphrase import read_passphrase

CustodianFolder = Annotated[Path, typer.Argument(metavar="保管人文件夹", help="保管人自己的文件夹")]
EpochFolder = Annotated[
    Path, typer.Argument(metavar="周期文件夹", help="含 authorities、manifest、roster 的文件夹")
]
Out = Annotated[Path, typer.Option(help="写到这里（必须是新的）")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="口令文件（仅本人可读）；不给则从键盘输入")
]
Yes = Annotated[bool, typer.Option("--yes", help="已看过摘要并同意，不再询问")]
Parties = Annotated[list[Path], typer.Option("--party", help="单位的公开卡片；可重复")]


def register(app: typer.Typer) -> None:
    """Adds the noun ``authority``."""
    group = new_app(NOUNS["authority"])
    group.command("quickstart")(quickstart)
    group.command("init-custodian")(make_custodian)
    group.command("new-share")(make_share)
    group.command("propose")(propose)
    group.command("show")(show)
    group.command("sign")(sign)
    group.command("seal-shares")(seal)
    group.command("kits")(make_kits)
    group.command("enrol")(enrol_units)
    group.command("revoke")(revoke_unit)
    group.command("init-ca")(make_ca)
    group.command("certify")(certify)
    app.add_typer(group, name="authority")


def quickstart(
    plan: Annotated[Path, typer.Argument(metavar="计划文件", help="单位清单：.toml 或 .csv")],
    out: Out,
    district: Annotated[str | None, typer.Option(help="区县代码，如 fuling（CSV 必填）")] = None,
) -> None:
    """一次生成整个区县的试用环境。所有密钥和口令都在本机，仅供演示和试用！"""
    from services.authority.plan import load_plan
    from services.authority.quickstart import WARNING_ZH, build_district

    loaded = load_plan(plan, district)
    index = build_district(loaded, out, now=datetime.now(UTC), progress=typer.echo)
    typer.echo(WARNING_ZH.strip())
    typer.echo(f"完成：{index}")


def make_custodian(
    folder: CustodianFolder,
    number: Annotated[int, typer.Option(help="编号：1 或 2")],
    name: Annotated[str, typer.Option(help="保管人姓名或职务")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """保管人建立自己的文件夹和授权密钥（在自己的机器上）。"""
    passphrase = read_passphrase(passphrase_file, "保管人口令", new=True)
    custodian = init_custodian(folder, number, name, passphrase)
    typer.echo(f"保管人 {number} 已建立。授权公钥指纹：{custodian.fingerprint}")
    typer.echo("请把指纹当面告知另一位保管人和各单位，并把本文件夹备份到安全处。")


def make_share(
    folder: CustodianFolder,
    district: Annotated[str, typer.Option(help="区县代码，如 fuling")],
    epoch: Annotated[int, typer.Option(help="周期编号，从 1 开始")],
    out: Out,
    suite: Annotated[int, typer.Option(help="算法套件：1 为 HMAC-SHA256，2 为 BLAKE3")] = 1,
    passphrase_file: PassphraseFile = None,
) -> None:
    """为新周期抽取自己的密钥份额，并写出承诺卡（份额不离开本机）。"""
    custodian = open_custodian(folder)
    refuse_existing(out)
    passphrase = read_passphrase(passphrase_file, "保管人口令")
    card = new_share(custodian, passphrase, district, epoch, suite)
    write_new(out, card.encode(), mode=PUBLIC)
    typer.echo(f"承诺卡：{out}（可公开）。授权公钥指纹：{card.fingerprint}")


def propose(
    commitment: Annotated[list[Path], typer.Option(help="每位保管人的承诺卡；各给一次")],
    log: Annotated[Path, typer.Option(help="比对服务的日志公钥卡片")],
    inspector: Annotated[Path, typer.Option(help="纪委的公开卡片")],
    begin: Annotated[str, typer.Option("--from", help="起始日期，如 2026-12-01（北京时间）")],
    until: Annotated[str, typer.Option(help="终止日期（不含当日）")],
    out: Out,
    party: Parties = [],  # noqa: B006  # typer reads the default, nothing changes it
    kind: Annotated[list[int], typer.Option(help="证件种类 1 至 4；可重复，默认全部")] = [],  # noqa: B006
    bucket: Annotated[int, typer.Option(help="每条记录的密文长度（字节）")] = DEFAULT_BUCKET,
    previous: Annotated[Path | None, typer.Option(help="上一周期的文件夹")] = None,
) -> None:
    """拟定新周期的清单和名册（草案，签名前不生效）。"""
    kinds = tuple(sorted(set(kind))) or ALL_KINDS
    terms = Terms(_parse_date(begin), _parse_date(until), kinds, bucket)
    last = read_epoch_files(previous) if previous else None
    draft = propose_epoch(
        terms,
        [read_commitment_card(path) for path in commitment],
        read_log_card(log),
        read_party_card(inspector),
        [read_party_card(path) for path in party],
        last.verified(last.authorities) if last else None,
    )
    write_epoch_files(out, draft)
    typer.echo(summarise(draft))
    typer.echo(f"草案：{out}。请两位保管人各自用 libmatch authority sign 核对并签名。")


def show(epoch: EpochFolder) -> None:
    """显示周期文件夹的内容和签名情况。"""
    typer.echo(summarise(read_epoch_files(epoch)))


def sign(
    folder: CustodianFolder,
    epoch: EpochFolder,
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """保管人核对摘要后签署清单和名册。"""

    def agree(summary: str) -> bool:
        typer.echo(summary)
        return yes or typer.confirm("以上内容与您核对的一致，同意签名？")

    custodian = open_custodian(folder)
    passphrase = read_passphrase(passphrase_file, "保管人口令")
    signed = sign_epoch(custodian, passphrase, epoch, agree)
    count = len(signed.manifest.signatures)
    typer.echo(f"已签名（清单现有 {count} 个签名，须两个才生效）。")


def seal(
    folder: CustodianFolder, epoch: EpochFolder, out: Out, passphrase_file: PassphraseFile = None
) -> None:
    """保管人把自己的份额分别密封给名册上的每个单位。"""
    custodian = open_custodian(folder)
    passphrase = read_passphrase(passphrase_file, "保管人口令")
    sealed = seal_shares(custodian, passphrase, epoch, out)
    typer.echo(f"已密封给 {len(sealed)} 个单位：{out}（只有各单位自己能打开）")


def make_kits(
    epoch: EpochFolder,
    shares: Annotated[list[Path], typer.Option(help="密封份额文件夹，按保管人编号顺序各给一次")],
    out: Out,
) -> None:
    """把清单、名册和密封份额分装成各方的交付件（其中没有秘密）。"""
    written = deliver(epoch, shares, out)
    typer.echo(f"{len(written)} 份交付件：{out}。各方用 libmatch keys install 安装。")


def enrol_units(epoch: EpochFolder, party: Parties, out: Out) -> None:
    """拟定名册的下一版：增加单位或角色（草案，须两位保管人签名）。"""
    files = read_epoch_files(epoch)
    known = files.verified(files.authorities)
    draft = enrol(files, known, [read_party_card(path) for path in party])
    write_epoch_files(out, draft)
    typer.echo(summarise(draft, known.roster))


def revoke_unit(
    epoch: EpochFolder,
    unit: Annotated[str, typer.Argument(metavar="单位代码", help="要注销的单位")],
    out: Out,
) -> None:
    """拟定名册的下一版：注销一个单位（草案，须两位保管人签名）。"""
    files = read_epoch_files(epoch)
    known = files.verified(files.authorities)
    draft = revoke(files, known, unit)
    write_epoch_files(out, draft)
    typer.echo(summarise(draft, known.roster))


def make_ca(
    folder: Annotated[Path, typer.Argument(metavar="证书机构文件夹", help="新的文件夹")],
    district: Annotated[str, typer.Option(help="区县代码，如 fuling")],
    authorities: Annotated[Path, typer.Option(help="周期文件夹中的 authorities 文件")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """建立区县的证书机构（根证书十年有效，限于本区县）。"""
    keys = read_authority_keys(authorities)
    passphrase = read_passphrase(passphrase_file, "证书机构口令", new=True)
    ca = init_ca(folder, district, keys, passphrase, datetime.now(UTC))
    typer.echo(f"根证书：{folder / 'ca.pem'}，有效至 {format_time(ca.root.not_valid_after_utc)}")
    for key in sorted(keys):
        typer.echo(f"信任的授权公钥：{fingerprint(key)}")


def certify(
    folder: Annotated[Path, typer.Argument(metavar="证书机构文件夹", help="证书机构的文件夹")],
    request: Annotated[Path, typer.Argument(metavar="证书申请", help="对方的 request.pem")],
    identity: Annotated[str, typer.Option(help="要签发的身份；以此为准，不以申请为准")],
    epoch: Annotated[Path, typer.Option(help="已签名的周期文件夹：核对单位在册")],
    out: Out,
    days: Annotated[int, typer.Option(help="有效天数")] = DEFAULT_DAYS,
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """核对申请指纹后签发证书。身份取自命令行，申请中的身份不同则拒绝。"""
    ca, named = open_ca(folder), Identity.parse(identity)
    asked = parse_request(request.read_bytes())
    known = ca.verified_epoch(read_epoch_files(epoch))
    check_entitled(ca, named, known)
    typer.echo(f"申请要求的身份：{asked.asked or '（未写）'}")
    typer.echo(f"将要签发的身份：{named}")
    typer.echo(f"申请指纹：{asked.fingerprint}")
    if not yes:
        typer.confirm("指纹已与申请人当面或电话核对一致，签发？", abort=True)
    refuse_existing(out)
    key = ca.unlock(read_passphrase(passphrase_file, "证书机构口令"))
    write_new(out, issue(ca, key, asked, named, known, datetime.now(UTC), days), mode=PUBLIC)
    typer.echo(f"证书：{out}。请连同 {folder / 'ca.pem'} 一并交给申请人。")


def _parse_date(text: str) -> datetime:
    """Midnight of that day in Beijing. Raises CeremonyError."""
    try:
        return china_midnight(date.fromisoformat(text))
    except ValueError:
        raise CeremonyError(
            f"not a date: {text!r}", f"日期格式应为 2026-12-01，不是 {text}"
        ) from None

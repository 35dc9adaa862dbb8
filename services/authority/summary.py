"""What a custodian reads before he signs: an epoch and its roster in Chinese, with what changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from libmatch.china_time import CHINA
from libmatch.manifest import Manifest, Member, Role, Roster
from libmatch.suites import get_suite
from services.authority.cards import fingerprint
from services.authority.epoch_folder import EpochFiles

KIND_NAMES = {1: "居民身份证", 2: "外国人永久居留证", 3: "护照", 4: "统一社会信用代码"}
ROLE_NAMES_ZH = {Role.REGISTRY: "申报", Role.BENEFICIARY: "受益", Role.INSPECTOR: "纪委"}


def format_time(moment: datetime) -> str:
    """The moment in Beijing time, to the minute."""
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M}"


def roles_zh(roles: Role) -> str:
    """The roles in Chinese, joined by a plus."""
    return "+".join(name for role, name in ROLE_NAMES_ZH.items() if roles & role)


def summarise(files: EpochFiles, known: Roster | None = None) -> str:
    """The whole draft in Chinese; against ``known``, the roster that was signed last, also what changed."""
    manifest, roster = files.facts
    lines = [*_of_manifest(manifest), *_of_authorities(files), *_of_roster(roster)]
    if known is not None and known != roster:
        lines += [f"与名册第 {known.version} 版相比：", *_changes(known, roster)]
    return "\n".join(lines)


def _of_manifest(manifest: Manifest) -> Iterator[str]:
    suite = get_suite(manifest.suite)
    kinds = "、".join(KIND_NAMES.get(kind, str(kind)) for kind in manifest.kinds)
    start, end = format_time(manifest.not_before), format_time(manifest.not_after)
    yield f"周期 {manifest.epoch}（编号 {fingerprint(manifest.epoch_id)}）"
    yield f"  有效期：{start} 至 {end}（北京时间）"
    yield f"  算法套件 {manifest.suite}（{suite.name}），共享密钥模式，规范第 {manifest.norm} 版"
    yield f"  证件种类：{kinds}；记录长度 {manifest.bucket} 字节"
    yield f"  纪委公钥：{fingerprint(manifest.inspector_key)}"
    yield f"  日志公钥：{fingerprint(manifest.log_key)}"
    if any(manifest.previous):
        yield f"  上一周期：{fingerprint(manifest.previous)}"
    for number, commitment in enumerate(manifest.commitments, 1):
        yield f"  保管人 {number} 的份额承诺：{fingerprint(commitment)}"


def _of_authorities(files: EpochFiles) -> Iterator[str]:
    manifest_signers, roster_signers = (
        {key for key, _ in document.signatures} for document in (files.manifest, files.roster)
    )
    for key in sorted(files.authorities):
        signed = [
            name
            for name, signers in (("清单", manifest_signers), ("名册", roster_signers))
            if key in signers
        ]
        state = f"已签{'、'.join(signed)}" if signed else "尚未签名"
        yield f"授权公钥 {fingerprint(key)}：{state}"


def _of_roster(roster: Roster) -> Iterator[str]:
    yield f"名册第 {roster.version} 版，{len(roster.members)} 个成员"
    for member in roster.members:
        yield f"  {_describe(member)}"


def _describe(member: Member) -> str:
    state = "" if member.active else "【已注销】"
    keys = fingerprint(member.signing_key + member.hpke_key)
    return f"{member.unit} {member.display_name}（{roles_zh(member.roles)}）{state} 公钥 {keys}"


def _changes(known: Roster, roster: Roster) -> Iterator[str]:
    before = {member.unit: member for member in known.members}
    after = {member.unit: member for member in roster.members}
    for unit in sorted(before.keys() | after.keys()):
        old, new = before.get(unit), after.get(unit)
        if old is None and new is not None:
            yield f"  新增：{_describe(new)}"
        elif new is None and old is not None:
            yield f"  消失：{_describe(old)}"
        elif old != new and new is not None:
            yield f"  变更：{_describe(new)}"

"""The commands of ``libmatch registry`` that sign declarations off, from the form to the match."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from libmatch.errors import InputError
from services.cli.clerk import Config, Files, connect, console, import_files, parse_ref
from services.cli.peers import RegistryClient
from services.cli.peers.signoff import SeenLine, SheetStager, SignOffClient, StageChoices

if TYPE_CHECKING:
    from services.cli.peers.signoff import VersionLine

_CHANGES = {
    "首次报告": "CHANGE_KIND_FIRST",
    "亲属关系发生变化": "CHANGE_KIND_RELATIVES",
    "工作岗位调整": "CHANGE_KIND_POST",
    "更正": "CHANGE_KIND_CORRECTION",
}
_POSTS = {
    "党组织主要负责人": "POST_KIND_PARTY_HEAD",
    "班子其他成员": "POST_KIND_LEADING_MEMBER",
    "科所站室党员干部": "POST_KIND_SECTION",
    "下属单位负责人": "POST_KIND_INSTITUTION_HEAD",
    "村（社区）干部": "POST_KIND_VILLAGE_CADRE",
    "村（居）民小组长": "POST_KIND_GROUP_HEAD",
    "财政补助、供养的其他人员": "POST_KIND_SUPPORTED",
}
_STATES = {
    "填写中": "VERSION_STATE_DRAFT",
    "本人已承诺": "VERSION_STATE_PLEDGED",
    "已签署意见": "VERSION_STATE_SIGNED",
    "已录入": "VERSION_STATE_ENTERED",
    "已审核": "VERSION_STATE_REVIEWED",
}
_NEXT = {
    "本人修改或签名": "NEXT_ACTOR_OFFICIAL",
    "工作人员登记人员类别": "NEXT_ACTOR_WORKER_PLACES",
    "签署意见": "NEXT_ACTOR_SIGNER",
    "工作人员录入": "NEXT_ACTOR_WORKER",
    "责任领导审核": "NEXT_ACTOR_LEADER",
    "已办结": "NEXT_ACTOR_NOBODY",
}
_DUES = {
    "报告表签署录入": "DUE_KIND_REPORT",
    "年度确认": "DUE_KIND_CONFIRMATION",
    "补报证件号码": "DUE_KIND_UNKNOWN_ID",
}
_REPORTER = {
    "name": "姓名",
    "sex": "性别",
    "political": "政治面貌",
    "unit": "单位",
    "post": "职务",
    "rank": "职级",
    "work": "具体工作",
    "discipline": "是否纪检干部",
    "identifier": "身份证号码",
    "household": "户籍地址",
    "phone": "手机号码",
}
_RELATIVE = {
    "name": "姓名",
    "sex": "性别",
    "relation": "亲属关系",
    "political": "政治面貌",
    "unit": "单位",
    "post": "职务",
    "identifier": "身份证号码",
    "phone": "手机号码",
    "household": "户籍地址",
    "remark": "备注",
    "unknown_until": "号码补报期限",
}
_ROUTINE = "办理申报签署、录入、审核"  # why a step looks at the list that it takes from
_MOST = 2_000  # versions of one call
_PREFIX = 12  # hex digits of the digest in a number: what was seen is what is signed

Numbers = Annotated[
    list[str] | None, typer.Argument(metavar="[申报编号…]", help="pending 或 show 中显示的编号")
]
All = Annotated[bool, typer.Option("--all", help="由您办理的全部")]
Why = Annotated[str, typer.Option("--reason", metavar="原因", help="查看原因，记入审计记录")]
Day = Annotated[str, typer.Option("--on", metavar="日期", help="如 2026-01-31")]
PostZh = Annotated[str, typer.Option("--post", metavar="人员类别", help="、".join(_POSTS))]
UnitName = Annotated[
    str,
    typer.Option("--unit", metavar="单位标识", help="所在下属单位、村（社区）在单位名单中的标识"),
]


def register(group: typer.Typer) -> None:
    """Adds the commands to the noun ``registry``."""
    group.command("import")(import_declarations)
    group.command("pending")(list_pending)
    group.command("show")(show)
    group.command("place")(place)
    group.command("pledge")(record_pledge)
    group.command("sign")(sign)
    group.command("enter")(enter)
    group.command("review")(review)
    group.command("hand-back")(hand_back)
    group.command("discard")(discard)
    group.command("confirm")(confirm)
    group.command("due")(list_due)


def import_declarations(
    files: Files,
    config: Config,
    change: Annotated[
        str, typer.Option("--change", metavar="变化类型", help="、".join(_CHANGES))
    ] = "",
    event_on: Annotated[
        str, typer.Option("--event-on", metavar="日期", help="变化发生日期，如 2026-01-31")
    ] = "",
    began_on: Annotated[
        str, typer.Option("--began-on", metavar="日期", help="新任职人员的到岗日期")
    ] = "",
    signed_on: Annotated[
        str,
        typer.Option(
            "--signed-on", metavar="日期", help="表中各人在纸质报告表上签名的日期（汇总表用）"
        ),
    ] = "",
    post: PostZh = "",
    unit: UnitName = "",
) -> None:
    """导入申报表；未采纳的行另写“原文件名.问题.xlsx”，改好后可重新导入。

    重复导入同一文件不会产生任何变化。有未采纳的行时退出码为 4。已设三员的单位，导入后须经签署意见
    （sign）、录入（enter）才参加比对；各选项只用于已设三员的单位。
    """
    choices = StageChoices(
        _word(_CHANGES, change, "变化类型"),
        event_on,
        began_on,
        signed_on,
        _word(_POSTS, post, "人员类别"),
        unit,
    )
    with connect(config) as channel:
        plain = choices == StageChoices()
        import_files(RegistryClient(channel) if plain else SheetStager(channel, choices), files)


def list_pending(
    config: Config,
    mine: Annotated[bool, typer.Option("--mine", help="只列由您办理的")] = False,
    everything: Annotated[bool, typer.Option("--all", help="也列已办结的")] = False,
    reason: Why = _ROUTINE,
) -> None:
    """列出申报版本：办到哪一步、由谁办理、是否逾期。签署人只看到由自己签署的。"""
    with connect(config) as channel:
        lines = SignOffClient(channel).list_versions(reason, mine=mine)
    shown = [one for one in lines if everything or one.state != "VERSION_STATE_REVIEWED"]
    screen = console()
    for line in shown:
        screen.print(show_number(line.seen), soft_wrap=True)  # whole, to be copied
        screen.print(f"  {_summary(line)}", soft_wrap=True)
        for remark in _remarks(line):
            screen.print(f"  {remark}", soft_wrap=True)
    screen.print(f"共{len(shown)}份")


def show(
    number: Annotated[str, typer.Argument(metavar="申报编号", help="pending 中显示的编号")],
    config: Config,
    reason: Why = _ROUTINE,
) -> None:
    """查看一份申报的全部内容，供签署、录入、审核。查看会记入审计记录。"""
    with connect(config) as channel:
        shown = SignOffClient(channel).show(parse_number(number)[0], reason)
    screen = console()
    screen.print(f"报告人  {_fields(_REPORTER, shown.reporter)}", soft_wrap=True)
    for position, relative in enumerate(shown.relatives, 1):
        screen.print(f"亲属{position}  {_fields(_RELATIVE, relative)}", soft_wrap=True)
    for text in shown.changes:
        screen.print(f"变化：{text}", soft_wrap=True)
    screen.print(f"本人承诺：{shown.signer or '未签名'} {shown.signed_on}".rstrip())
    _tell_state(shown.line)


def place(config: Config, post: PostZh, numbers: Numbers = None, unit: UnitName = "") -> None:
    """工作人员：登记人员类别，由此确定由谁签署意见。"""
    kind = _word(_POSTS, post, "人员类别")
    if not kind:
        raise InputError("no post", f"请用 --post 写明人员类别：{'、'.join(_POSTS)}")
    _step(config, numbers, lambda client, seen: client.place(seen, kind, unit), "已登记人员类别")


def record_pledge(config: Config, on: Day, numbers: Numbers = None) -> None:
    """工作人员：登记本人在纸质报告表上签名承诺的日期。"""
    _step(config, numbers, lambda client, seen: client.record_pledge(seen, on), "已登记本人承诺")


def sign(config: Config, numbers: Numbers = None, everything: All = False) -> None:
    """签署人：签署意见。签的是编号所示的内容；内容有改动的须重新查看。"""
    _step(config, numbers, SignOffClient.sign, "已签署意见", "VERSION_STATE_PLEDGED", everything)


def enter(config: Config, numbers: Numbers = None, everything: All = False) -> None:
    """工作人员：录入已签署意见的申报，从此参加比对。"""
    _step(config, numbers, SignOffClient.enter, "已录入", "VERSION_STATE_SIGNED", everything)


def review(config: Config, numbers: Numbers = None, everything: All = False) -> None:
    """责任领导：审核已录入的申报。"""
    _step(config, numbers, SignOffClient.review, "已审核", "VERSION_STATE_ENTERED", everything)


def hand_back(
    config: Config,
    reason: Annotated[str, typer.Option("--reason", metavar="原因", help="退回原因，本人据此修改")],
    numbers: Numbers = None,
) -> None:
    """退回修改：原有签名作废；已参加比对的继续比对，直至新的内容录入。"""
    _step(config, numbers, lambda client, seen: client.hand_back(seen, reason), "已退回")


def discard(
    config: Config,
    reason: Annotated[str, typer.Option("--reason", metavar="原因", help="记入审计记录")],
    numbers: Numbers = None,
) -> None:
    """工作人员：删除误录的草稿（从未录入的，如证件号码录错的）。"""
    _step(config, numbers, lambda client, seen: client.discard(seen, reason), "已删除草稿")


def confirm(config: Config, on: Day, numbers: Numbers = None) -> None:
    """工作人员：登记本人年度确认“无变化”。"""
    _step(config, numbers, lambda client, seen: client.confirm(seen, on), "已登记年度确认")


def list_due(
    config: Config,
    until: Annotated[
        str, typer.Option("--until", metavar="日期", help="截至日期，不填为今天")
    ] = "",
    reason: Why = _ROUTINE,
) -> None:
    """列出到期事项：未录入的申报、年度确认、待补的证件号码。"""
    with connect(config) as channel:
        dues, campaign = SignOffClient(channel).list_due(reason, until)
    screen = console()
    for due in dues:
        late = f"，逾期{due.days_late}天" if due.days_late > 0 else ""
        what = f"{_zh(_DUES, due.kind)}：{due.official}，期限{due.due_on}{late}"
        screen.print(f"{show_number(due.seen)}  {what}", soft_wrap=True)
    screen.print(f"共{len(dues)}项到期")
    if campaign:
        typer.echo(f"本轮申报录入期限：{campaign}")


Do = Callable[[SignOffClient, Sequence[SeenLine]], object]


def _step(
    config: Any,
    numbers: Sequence[str] | None,
    do: Do,
    done_zh: str,
    state: str = "",
    everything: bool = False,
) -> None:
    """Makes one step on the versions that are named, or on all in ``state`` that wait for the caller."""
    if bool(numbers) == everything:
        raise InputError("numbers, or --all", "请写明申报编号，或用 --all 办理由您办理的全部")
    with connect(config) as channel:
        client = SignOffClient(channel)
        if everything:
            lines = client.list_versions(_ROUTINE, [state], mine=True)
            seen = [line.seen for line in lines]
        else:
            seen = find_seen(numbers or (), client.list_versions(_ROUTINE))
        if not seen:
            typer.echo("没有由您办理的申报")
            return
        for start in range(0, len(seen), _MOST):
            part = seen[start : start + _MOST]
            do(client, part)
            typer.echo(f"{done_zh}{len(part)}份")


def find_seen(numbers: Sequence[str], lines: Sequence[VersionLine]) -> list[SeenLine]:
    """The versions of these numbers. InputError where one is not there as it was seen."""
    known = {line.seen.ref: line.seen for line in lines}
    found = []
    for number in numbers:
        ref, step, prefix = parse_number(number)
        seen = known.get(ref)
        if seen is None:
            raise InputError("no such version", "没有这个编号的申报，或不由您办理（规则R22、R31）")
        if (seen.step, seen.digest.hex()[:_PREFIX]) != (step, prefix):
            raise InputError(
                "the version has changed since it was seen",
                "该申报在您查看之后已有新的办理或改动，请重新查看（pending、show）后再办理（规则R21）",
            )
        found.append(seen)
    return found


def show_number(seen: SeenLine) -> str:
    """What people name a version by: it says which content they saw."""
    return f"{seen.ref.hex()}.{seen.step}.{seen.digest.hex()[:_PREFIX]}"


def parse_number(number: str) -> tuple[bytes, int, str]:
    """Reference, step and first digits of the digest. Raises InputError."""
    ref, _, rest = number.strip().partition(".")
    step, _, prefix = rest.partition(".")
    if not step.isdecimal() or len(prefix) != _PREFIX:
        raise InputError("not a version's number", "编号应为列表中显示的完整编号（含两个点号）")
    return parse_ref(ref), int(step), prefix


def _word(words: Mapping[str, str], text: str, what_zh: str) -> str:
    if text and text not in words:
        raise InputError("not one of the words", f"没有{what_zh}“{text}”；可用：{'、'.join(words)}")
    return words.get(text, "")


def _zh(words: Mapping[str, str], name: str) -> str:
    return next((zh for zh, known in words.items() if known == name), name)


def _fields(names: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """What is filled in, each behind the name of its field, in the order of the form."""
    words = {True: "是", False: "否"}
    return "；".join(
        f"{zh}：{words[values[key]] if isinstance(values[key], bool) else values[key]}"
        for key, zh in names.items()
        if key in values
    )


def _summary(line: VersionLine) -> str:
    parts = [
        f"{line.official}（{line.post_text}）" if line.post_text else line.official,
        f"第{line.number}版",
        _zh(_CHANGES, line.change),
        _zh(_STATES, line.state),
        f"下一步：{_zh(_NEXT, line.next)}",
        f"签署人：{line.signer}",
    ]
    if line.late:
        parts.append(f"逾期报告（期限{line.due_on}，{line.reported_on}报告）")
    elif line.due_on:
        parts.append(f"期限{line.due_on}")
    return "，".join(parts)


def _remarks(line: VersionLine) -> list[str]:
    remarks = [line.lacks] if line.lacks else []
    if line.handed_back:
        remarks.append(f"退回原因：{line.handed_back}")
    if line.unknown_ids:
        overdue = f"，其中{line.overdue_ids}名逾期" if line.overdue_ids else ""
        remarks.append(f"证件号码待补{line.unknown_ids}名{overdue}")
    return remarks


def _tell_state(line: VersionLine) -> None:
    screen = console()
    screen.print(f"编号：{show_number(line.seen)}", soft_wrap=True)
    screen.print(_summary(line), soft_wrap=True)
    for remark in _remarks(line):
        screen.print(f"  {remark}", soft_wrap=True)

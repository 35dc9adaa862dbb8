"""The report: what was expected and found, as JSON and as a table of what each party learned."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from demo.attempt import Attempt
from demo.judge import Hits, Notices
from demo.uploads import Kill
from demo.workplace import Workplace

FORMAT = 1  # of report.json; another number where a field changes its meaning


@dataclass(frozen=True)
class Learned:
    """One party: its own records in plaintext, what it saw of others' and what it was told.

    ``foreign``: numbers and phones of others that were found on its disk. None where there is nothing to
    search. ``pairs``: pairs of records, as tokens for the matcher and opened for 纪委.
    """

    party_zh: str
    own: int
    foreign: int | None
    tokens: int = 0
    pairs: int = 0
    notices: int = 0
    learned_zh: str = ""


@dataclass(frozen=True)
class RefusedRows:
    """Rows of one file that were not taken, and that must not be."""

    unit: str
    file: str
    expected: int
    found: int


@dataclass(frozen=True)
class Findings:
    """Everything that a run measured."""

    sizes: Mapping[str, int]
    hits: Hits
    pairs_expected: int
    pairs_found: int
    refused: Sequence[RefusedRows]
    notices: Notices
    notices_sent: int
    notices_acknowledged: int
    disputes: int
    gate: Mapping[str, int]
    gate_wrong: int
    later: Mapping[str, Any]
    process: Mapping[str, Any]
    attempt: Attempt
    plaintext: Mapping[str, Any]
    plaintext_elsewhere: Mapping[str, int]
    kill: Kill
    exit_codes: Mapping[str, int]
    seconds: Mapping[str, float]
    parties: Sequence[Learned]

    def checks(self) -> dict[str, bool]:
        """What must hold, each by name; the run is good where all do."""
        a = self.attempt
        return {
            "hits": self.hits.ok and self.pairs_found == self.pairs_expected,
            "refused_rows": all(row.expected == row.found for row in self.refused),
            "notices": self.notices.ok and self.notices_sent == self.notices_acknowledged,
            "disputes": self.disputes == 0,
            "gate": self.gate_wrong == 0,
            "later": all(outcome["ok"] for outcome in self.later.values()),
            "process": self.process["ok"],
            "plaintext_in_matcher": self.plaintext["total"] == 0,
            "plaintext_elsewhere": not any(self.plaintext_elsewhere.values()),
            "unflagged_opened": a.unflagged_opened == 0 and a.trials > 0,
            "flagged_opened_control": a.flagged_opened == a.flagged == a.marked > 0
            and a.capsules_opened == a.capsules,
            "kill": self.kill.done or not self.kill.wanted,
            "exit_codes": not any(self.exit_codes.values()),
        }

    @property
    def ok(self) -> bool:
        """Whether the run showed what it must."""
        return all(self.checks().values())

    def to_json(self) -> dict[str, Any]:
        """The content of ``report.json``; counts and names of units and files, nothing of anybody."""
        a = self.attempt
        return {
            "format": FORMAT,
            "ok": self.ok,
            "checks": self.checks(),
            "sizes": dict(self.sizes),
            "hits_expected": self.hits.expected,
            "hits_found": self.hits.found,
            "missed": self.hits.missed,
            "false_hits": self.hits.false,
            "duplicates": self.hits.duplicates,
            "hits_with_wrong_details": self.hits.wrong,
            "pairs_expected": self.pairs_expected,
            "pairs_found": self.pairs_found,
            "rows_refused": [asdict(row) for row in self.refused],
            "rows_refused_expected": sum(row.expected for row in self.refused),
            "rows_refused_found": sum(row.found for row in self.refused),
            "notices": {
                **asdict(self.notices),
                "sent": self.notices_sent,
                "acknowledged": self.notices_acknowledged,
            },
            "disputes": self.disputes,
            "gate": dict(self.gate),
            "gate_wrong": self.gate_wrong,
            "later": dict(self.later),
            "process": dict(self.process),
            "reimport_changes": self.later["reimport"]["changes"],
            "plaintext_in_matcher": self.plaintext["total"],
            "plaintext_search": dict(self.plaintext),
            "plaintext_elsewhere": dict(self.plaintext_elsewhere),
            "unflagged_opened": a.unflagged_opened,
            "flagged_opened_control": a.flagged_opened,
            "attempt": asdict(a),
            "matcher_killed": asdict(self.kill),
            "exit_codes": dict(self.exit_codes),
            "seconds": dict(self.seconds),
            "parties": [asdict(party) for party in self.parties],
        }


def write_report(path: Path, findings: Findings) -> None:
    """Return when ``path`` holds the report."""
    text = json.dumps(findings.to_json(), ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def show_parties(console: Console, parties: Iterable[Learned]) -> None:
    """Prints the table of what each party learned."""
    table = Table(
        title="各方各自知道了什么（越权明文：其磁盘上与己无关者的号码、电话）", title_justify="left"
    )
    table.add_column("当事方", no_wrap=True)
    for heading in ("自有记录", "越权明文", "令牌", "比中对", "通知"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("知道的内容", overflow="fold")
    for party in parties:
        foreign = "—" if party.foreign is None else str(party.foreign)
        counts = (party.own, foreign, party.tokens, party.pairs, party.notices)
        table.add_row(party.party_zh, *map(str, counts), party.learned_zh)
    console.print(table)


_CHECKS_ZH = {
    "hits": "比中：已知的全部找到，没有多余、没有重复",
    "refused_rows": "未采纳的行：每个文件都与预期一致",
    "notices": "通知：每个单位收到且只收到与己有关的，全部签收",
    "disputes": "争议：没有",
    "gate": "放行查询：有比中的暂缓，没有的放行，未采纳的未提交",
    "later": "后续变化：补报、更正、撤回、重复导入都符合预期",
    "process": "办理：核查、公示、异议、放行、超期、移送都与按规则另行推算的一致",
    "plaintext_in_matcher": "比对平台的数据库、日志里没有任何身份证号、姓名、电话",
    "plaintext_elsewhere": "各单位、纪委、保管人的磁盘上没有与己无关的号码",
    "unflagged_opened": "纪委用私钥和比对平台的全部数据，打不开任何未比中的记录",
    "flagged_opened_control": "对照：同样的办法能打开每一条比中的记录",
    "kill": "比对平台中途被强行终止后恢复，结果不变",
    "exit_codes": "各服务正常退出",
}


def show_result(console: Console, findings: Findings, place: Workplace) -> None:
    """Prints what was written where, each check, and the verdict."""
    console.print()
    paths = {
        "表格（各单位经办人带来的）": place.sheets,
        "结果（问题文件、通知、纪委的比中记录 cases.xlsx）": place.results,
        "各方的密钥、配置和数据库": place.district,
        "日志": place.logs,
        "报告": place.report,
    }
    for title, path in paths.items():
        console.print(f"  {title}：{path}", soft_wrap=True)
    console.print()
    for name, holds in findings.checks().items():
        if name != "kill" or findings.kill.wanted:
            console.print(f"  {'✓' if holds else '✗ 不符'}  {_CHECKS_ZH[name]}", soft_wrap=True)
    console.print()
    for line in summary(findings):
        console.print(f"  {line}", soft_wrap=True)


_SHOWN = ("overdue", "published", "cleared", "held", "leads")


def summary(findings: Findings) -> list[str]:
    """The closing lines, the verdict last."""
    hits, a = findings.hits, findings.attempt
    expected, found = (
        sum(row.expected for row in findings.refused),
        sum(row.found for row in findings.refused),
    )
    return [
        f"hits_expected {hits.expected}  hits_found {hits.found}  missed {hits.missed}  "
        f"false_hits {hits.false}  duplicates {hits.duplicates}",
        f"rows refused {found} (expected {expected})  "
        f"notices {findings.notices_sent} (acknowledged {findings.notices_acknowledged})",
        "matters "
        + "  ".join(f"{name} {count}" for name, count in findings.process["states"].items()),
        "  ".join(f"{name} {findings.process[name]}" for name in _SHOWN),
        f"plaintext_in_matcher {findings.plaintext['total']}  "
        f"unflagged_opened {a.unflagged_opened} of {a.records - a.flagged} "
        f"({a.trials} trials)  flagged_opened_control {a.flagged_opened} of {a.flagged}",
        f"{sum(findings.seconds.values()):.0f} s",
        "OK" if findings.ok else "NOT OK",
    ]

"""A public notice as a page, as JSON and as an Atom feed that a portal can take (R46).

Every form says when it expires and asks not to be indexed; after that nothing is rendered, and the
feed tells readers to delete the entry (RFC 6721). Pure text: no script, no link to anywhere,
everything escaped, all words Chinese.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from uuid import UUID

from libmatch.china_time import CHINA, china_day, china_midnight, require_aware
from services.rules.public_notice import TITLE, AnnexRow, PublicNotice
from services.rules.publication import PublicationClock
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

NEUTRAL = "本表所列事项均已通过合规性核查；列入本表只说明存在亲属关系，不代表存在违规违纪问题。"
KEEP_OUT = "到期即撤下，请勿转载、存档。"


@dataclass(frozen=True)
class Period:
    """From when a notice is posted, its last day, and the last day on which portals show it."""

    posted_at: datetime
    last_day: date
    shown_until: date

    def __post_init__(self) -> None:
        if not china_day(self.posted_at) <= self.last_day <= self.shown_until:
            raise ValueError("a notice is posted, ends, and then goes offline, in this order")

    @property
    def expires_at(self) -> datetime:
        """The midnight in China behind the last day on which portals show it."""
        return china_midnight(self.shown_until + timedelta(days=1))

    def require_current(self, now: datetime) -> None:
        """Nothing while the notice is shown; RuleViolation R46 before its posting and after its end."""
        if require_aware(now) < self.posted_at:
            raise RuleViolation(
                "R46",
                "the notice is not posted yet; export it when it is",
                "该公示尚未张贴，请张贴后再在网上公示",
            )
        if now >= self.expires_at:
            raise RuleViolation(
                "R46",
                "the notice has expired; take it off the portal",
                f"该公示已于{day_zh(self.shown_until)}到期，不再提供网上公示，请从网站撤下",
            )


def period_of(clocks: Sequence[PublicationClock], now: datetime, rules: RuleSet) -> Period:
    """The period of a notice from the clocks of its rows, at least one, all of one posting.

    While an objection is open, the end is the earliest that it can still be: export it again.
    """
    last_day = max(clock.earliest_last_day(now) for clock in clocks)
    posted_at = min(clock.posting.posted_at for clock in clocks)
    return Period(posted_at, last_day, last_day + timedelta(days=rules.export_days_after_end))


def day_zh(day: date) -> str:
    """The day as notices write it: 2018年6月1日."""
    return f"{day.year}年{day.month}月{day.day}日"


# --- the page -----------------------------------------------------------------------------------

_STYLE = (
    "body{font-family:'Noto Sans CJK SC','Microsoft YaHei',SimSun,sans-serif;color:#111;"
    "background:#fff;max-width:75rem;margin:0 auto;padding:1rem;line-height:1.6}"
    "h1{font-size:1.5rem;text-align:center}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #555;padding:.4rem;text-align:left;vertical-align:top}"
    "caption{text-align:left;padding:.4rem 0}td.sum{text-align:right;white-space:nowrap}"
    "@media print{body{max-width:none;padding:0}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
)
# (words, rows, columns) of the two heading rows of annex 3
_BENEFICIARY = "惠民资金受益人（项目承建或服务承接人）姓名"
_RELATION = "与资金享受人（项目承建或服务承接人）亲属关系"
_UPPER = (
    *(("序号", 2, 1), (_BENEFICIARY, 2, 1), ("惠民资金（项目）名称", 2, 1)),
    *(("财政资金（元）", 2, 1), ("享受资金（实施项目）地点", 2, 1), ("实施起始时间", 2, 1)),
    *(("涉及的党员干部", 1, 3), ("备注", 2, 1)),
)
_LOWER = (("姓名", 1, 1), ("单位及职务", 1, 1), (_RELATION, 1, 1))


def render_html(notice: PublicNotice, period: Period, now: datetime) -> str:
    """The notice as one static page. Raises RuleViolation R46 outside its period."""
    period.require_current(now)
    robots = f"noindex, nofollow, noarchive, unavailable_after: {period.expires_at.isoformat()}"
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<meta name="robots" content="{robots}">\n'
        f"<title>{TITLE}（{escape(notice.unit)}）</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{TITLE}</h1>\n{_fragment(notice, period)}"
        f"<p>本页有效至{_day(period.shown_until)}，{KEEP_OUT}</p>\n</main>\n</body>\n</html>\n"
    )


def _fragment(notice: PublicNotice, period: Period) -> str:
    """The table with what stands above and below it; also the content of a feed's entry."""
    rows = "".join(_row(number, row) for number, row in enumerate(notice.rows, 1))
    return (
        f"<p>公示单位（盖章）：{escape(notice.unit)}</p>\n"
        f"<p>公示时间：{_day(china_day(period.posted_at))}—{_day(period.last_day)}</p>\n"
        f'<div class="wide" role="region" aria-label="{TITLE}" tabindex="0">\n<table>\n'
        f"<caption>{NEUTRAL}</caption>\n<thead>\n{_headings(_UPPER)}{_headings(_LOWER)}</thead>\n"
        f"<tbody>\n{rows}</tbody>\n</table>\n</div>\n<p>监督举报电话：{escape(_hotlines(notice))}</p>\n"
    )


def _headings(cells: Iterable[tuple[str, int, int]]) -> str:
    made = (
        f'<th scope="{"colgroup" if columns > 1 else "col"}" rowspan="{rows}" colspan="{columns}">'
        f"{words}</th>"
        for words, rows, columns in cells
    )
    return f"<tr>{''.join(made)}</tr>\n"


def _row(number: int, row: AnnexRow) -> str:
    before = (row.beneficiary, row.programme)
    after = (row.official, row.official_post, row.relation, row.remark or "无")
    return (
        f'<tr><th scope="row">{number}</th>{_cells(before)}<td class="sum">{row.amount}</td>'
        f"{_cells((row.place,))}<td>{_day(row.start)}</td>{_cells(after)}</tr>\n"
    )


def _cells(texts: Iterable[str]) -> str:
    return "".join(f"<td>{escape(text)}</td>" for text in texts)


def _day(day: date) -> str:
    return f'<time datetime="{day.isoformat()}">{day_zh(day)}</time>'


def _hotlines(notice: PublicNotice) -> str:
    return "；".join(f"{line.office}，{line.number}" for line in notice.hotlines) + "。"


# --- JSON ---------------------------------------------------------------------------------------

# A portal may paste the text into a page: then no <, > or & may end its script.
_JSON_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def render_json(notice: PublicNotice, period: Period, now: datetime) -> str:
    """The notice as one JSON object with the words of annex 3 as keys. RuleViolation R46 as above."""
    period.require_current(now)
    document = {
        "标题": TITLE,
        "编号": str(notice.notice_id),
        "公示单位": notice.unit,
        "公示地点": notice.place,
        "公示时间": {
            "起": china_day(period.posted_at).isoformat(),
            "止": period.last_day.isoformat(),
        },
        "有效期至": period.expires_at.isoformat(),
        "禁止收录": True,
        "说明": NEUTRAL,
        "公示内容": [_row_fields(number, row) for number, row in enumerate(notice.rows, 1)],
        "监督举报电话": [{"单位": line.office, "电话": line.number} for line in notice.hotlines],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).translate(_JSON_ESCAPES) + "\n"


def _row_fields(number: int, row: AnnexRow) -> dict[str, object]:
    return {
        "序号": number,
        "受益人姓名": row.beneficiary,
        "资金（项目）名称": row.programme,
        "财政资金（元）": None if row.amount_fen is None else row.amount,
        "享受资金（实施项目）地点": row.place,
        "实施起始时间": row.start.isoformat(),
        "涉及的党员干部": {
            "姓名": row.official,
            "单位及职务": row.official_post,
            "与受益人亲属关系": row.relation,
        },
        "备注": row.remark,
    }


# --- Atom ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Removed:
    """A notice that was taken down before it expired: readers of the feed delete it."""

    notice_id: UUID
    at: datetime

    def __post_init__(self) -> None:
        require_aware(self.at)


def render_atom(
    feed_id: UUID,
    unit: str,
    notices: Sequence[tuple[PublicNotice, Period]],
    removed: Sequence[Removed],
    now: datetime,
) -> str:
    """The unit's feed: an entry for each notice that is shown, a deletion for each that was.

    Newest first. Notices not posted yet are left out; expired ones become deletions by themselves.
    """
    gone = {one.notice_id: one.at for one in removed if one.at <= now}
    for notice, period in notices:
        if period.expires_at <= now:
            gone.setdefault(notice.notice_id, period.expires_at)
    shown = [
        (notice, period)
        for notice, period in notices
        if period.posted_at <= now and notice.notice_id not in gone
    ]
    shown.sort(key=lambda one: (one[1].posted_at, str(one[0].notice_id)), reverse=True)
    deletions = sorted(gone.items(), key=lambda one: (one[1], str(one[0])), reverse=True)
    moments = [*(period.posted_at for _, period in shown), *gone.values()]
    updated = max(moments, default=now)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:at="http://purl.org/atompub/tombstones/1.0" xml:lang="zh-CN">\n'
        f"<id>{feed_id.urn}</id>\n<title>{TITLE}</title>\n<updated>{_stamp(updated)}</updated>\n"
        f"<author><name>{escape(unit)}</name></author>\n<rights>{KEEP_OUT}</rights>\n"
        + "".join(_deletion(notice_id, at) for notice_id, at in deletions)
        + "".join(_entry(notice, period) for notice, period in shown)
        + "</feed>\n"
    )


def _entry(notice: PublicNotice, period: Period) -> str:
    posted, expires = _stamp(period.posted_at), _stamp(period.expires_at)
    return (
        f"<entry>\n<id>{notice.notice_id.urn}</id>\n<title>{escape(notice.unit)}{TITLE}</title>\n"
        f"<published>{posted}</published>\n<updated>{posted}</updated>\n"
        f"<dcterms:valid>start={posted}; end={expires}; scheme=W3C-DTF</dcterms:valid>\n"
        f"<rights>有效至{day_zh(period.shown_until)}，{KEEP_OUT}</rights>\n"
        f'<content type="html">{escape(_fragment(notice, period))}</content>\n</entry>\n'
    )


def _deletion(notice_id: UUID, at: datetime) -> str:
    return f'<at:deleted-entry ref="{notice_id.urn}" when="{_stamp(at)}"/>\n'


def _stamp(at: datetime) -> str:
    """The moment as RFC 3339 has it, in China's time, to the second."""
    return at.astimezone(CHINA).replace(microsecond=0).isoformat()

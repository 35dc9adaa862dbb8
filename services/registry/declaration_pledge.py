"""The lower part of annex 2: 报告人承诺 with signature and date (R19), 责任领导意见 (R23)."""

from __future__ import annotations

import re
from datetime import date

from services.chassis.sheets import CellError, Flaw, Sheet, parse_date, text_of
from services.registry.declaration_records import Official, Pledge

_TAIL = re.compile(r"报告人承诺|本人承诺|承诺人|责任领导|说明[:：\d]")
_PLEDGE = "pledge"
_OPINION_LIMIT = 500
_TAIL_LIMIT = 5_000  # characters that are searched; the print of the form has 300
_SIGNATURE = re.compile(r"承诺人(?:签字|签名|签章|（签字）|\(签字\))?[:：]?")
_DATE = re.compile(r"(\d{4})\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*(\d{1,2})\s*日?")
_BLANK_DATE = re.compile(r"_*\s*年\s*_*\s*月\s*_*\s*日")
_NOT_A_NAME = re.compile(r"[\s:：_()（）,，。]|日期|时间|签字|签名")
_LEADER = re.compile(r"责任领导\s*意\s*见[:：]?")
_NOTES = re.compile(r"说明[:：]")
_BLANK_OPINION = re.compile(r"[签字名章盖年月日:：()（）_\s]*")


def tail_start(sheet: Sheet, start: int) -> int:
    """The row where the pledge, the opinion or the notes begin; the number of rows if nowhere."""
    for row in range(start, len(sheet.rows)):
        texts = [text.replace(" ", "") for cell in sheet.rows[row] if (text := text_of(cell))]
        if texts and _TAIL.match(texts[0]):
            return row
    return len(sheet.rows)


def _tail_text(sheet: Sheet, start: int) -> str:
    texts = [text_of(cell) for row in sheet.rows[start:] for cell in row]
    return " ".join(text for text in texts if text)[:_TAIL_LIMIT]


def pledge_row(sheet: Sheet, start: int) -> int:
    """The row with the place for the signature; ``start`` if there is none."""
    for row in range(start, len(sheet.rows)):
        if any("承诺人" in text_of(cell) for cell in sheet.rows[row]):
            return row
    return start


def read_pledge(sheet: Sheet, start: int, today: date) -> Pledge | Flaw:
    """Signer and date behind 承诺人签字, blank where there are none."""
    text = _LEADER.split(_tail_text(sheet, start))[0]
    *_, signature = _SIGNATURE.split(_NOTES.split(text)[0])
    if not _SIGNATURE.search(text):
        return Pledge("", None)
    dated = _DATE.search(signature)
    blank = _BLANK_DATE.search(signature)
    end = min(match.start() for match in (dated, blank) if match) if dated or blank else None
    signer = _NOT_A_NAME.sub("", signature[:end])
    try:
        signed_on = parse_date(re.sub(r"\s", "", dated[0])) if dated else None
    except CellError as error:
        return Flaw(_PLEDGE, f"承诺日期有误：{error.what}", error.cure)
    if signed_on and signed_on > today:
        return Flaw(_PLEDGE, "承诺日期晚于今天", "请核对承诺日期")
    return Pledge(signer, signed_on)


def check_signer(pledge: Pledge, official: Official) -> Pledge | Flaw:
    """The pledge, if the official himself signed it or nobody did yet (R19)."""
    name = re.sub(r"\s", "", official.name)
    if pledge.signer and name not in pledge.signer:
        return Flaw(_PLEDGE, "承诺人签字不是报告人本人", "应由报告人本人签字；请核对姓名")
    return Pledge(official.name, pledge.signed_on) if pledge.signer else pledge


def read_opinion(sheet: Sheet, start: int) -> str:
    """What stands in 责任领导意见, at most 500 characters; "" where it is blank but for its print."""
    parts = _LEADER.split(_tail_text(sheet, start))
    if len(parts) < 2:
        return ""
    text = _NOTES.split(parts[1])[0].strip()
    return "" if _BLANK_OPINION.fullmatch(text) else text[:_OPINION_LIMIT]

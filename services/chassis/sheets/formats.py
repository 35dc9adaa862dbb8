"""What the bytes of an uploaded file really are, whatever its name says.

Decides between a workbook, a text table and everything that cannot be imported, and says in
Chinese what to do about the latter. Decodes nothing.
"""

from __future__ import annotations

import io
import re
import zipfile
from enum import StrEnum
from pathlib import PurePath

from services.chassis.sheets.workbook import SheetError

MAX_FILE_BYTES = 64 * 1024 * 1024  # 160,000 declared relatives are 12 MB of .xlsx
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024  # the same 160,000 unpack to some 300 MB of XML
_MAX_PARTS = 10_000

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE_AS = "请用 WPS 或 Excel 打开该文件，选“另存为”，类型选“Excel 工作簿（*.xlsx）”，再导入"


class Format(StrEnum):
    """A kind of content that can be imported; the value is what it is called in messages."""

    XLSX = "Excel 工作簿（.xlsx）"
    XLS = "Excel 97-2003 工作簿（.xls）"
    CSV = "文本表格（.csv）"


_ENDINGS = {
    # WPS writes .et as the container of .xls, and newer versions as that of .xlsx.
    ".xlsx": (Format.XLSX, Format.XLS),
    ".xls": (Format.XLS, Format.XLSX),
    ".et": (Format.XLS, Format.XLSX),
    ".csv": (Format.CSV,),
}
_PLAIN_ENDING = re.compile(r"\.[a-z0-9]{1,5}")
_ENDING_OF = {Format.XLSX: ".xlsx", Format.XLS: ".xls", Format.CSV: ".csv"}


def detect_format(data: bytes, file_name: str) -> Format:
    """The format of ``data``. Raises SheetError for content or an ending that cannot be imported."""
    if not data.strip(b"\0 \t\r\n"):
        raise SheetError("the file is empty", "文件是空的（没有内容），请确认选对了文件")
    if len(data) > MAX_FILE_BYTES:
        raise _too_large(f"file of {len(data)} bytes")
    found = _content_format(data)
    ending = PurePath(file_name).suffix.lower()
    if found not in _ENDINGS.get(ending, ()):
        raise _wrong_ending(found, ending)
    return found


def _too_large(what: str) -> SheetError:
    return SheetError(
        f"too large: {what}",
        f"文件太大（上限 {MAX_FILE_BYTES // 1024 // 1024} MB，展开后 1 GB），"
        "请删除图片和多余的工作表，或拆成几个文件分别导入",
    )


def _wrong_ending(found: Format, ending: str) -> SheetError:
    # What is no plain ending may be a part of a person's name, and is not repeated.
    plain = _PLAIN_ENDING.fullmatch(ending)
    named = f"扩展名是“{ending}”" if plain else "没有可识别的扩展名"
    return SheetError(
        "the ending of the file's name does not fit its content",
        f"文件{named}，内容却是{found}；请把扩展名改为“{_ENDING_OF[found]}”后再导入",
    )


def _content_format(data: bytes) -> Format:
    if data.startswith(_ZIP):
        return _zip_format(data)
    if data.startswith(_OLE):
        return _ole_format(data)
    return _text_format(data)


def _zip_format(data: bytes) -> Format:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise damaged() from None
    if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise _too_large("unpacked content")
    names = {part.filename for part in parts}
    if any(name.startswith("xl/") and name.endswith("workbook.xml") for name in names):
        return Format.XLSX
    kind = (
        "Word 文档" if any(name.startswith("word/") for name in names) else "压缩包或其他格式的文件"
    )
    raise _not_a_table(kind)


def _ole_format(data: bytes) -> Format:
    if _has_stream(data, "Workbook") or _has_stream(data, "Book"):
        if _has_filepass(data):
            raise encrypted()
        return Format.XLS
    if _has_stream(data, "EncryptedPackage"):
        raise encrypted()
    if _has_stream(data, "WordDocument"):
        raise _not_a_table("Word（或 WPS 文字）文档")
    raise damaged()


def _has_stream(data: bytes, name: str) -> bool:
    """A directory entry of a compound file holds its name in UTF-16 with a closing zero."""
    return (name + "\0").encode("utf-16-le") in data


_GLOBALS_BOF = b"\x09\x08\x10\x00\x00\x06\x05\x00"  # BIFF8, workbook globals; 20 bytes in all
_WRITE_PROTECT, _FILEPASS = 0x0086, 0x002F


def _has_filepass(data: bytes) -> bool:
    """Whether the workbook stream says that it is encrypted: FILEPASS stands near its beginning.

    Asked here because the decoder takes such a file for one of no known format.
    """
    start = data.find(_GLOBALS_BOF)
    if start < 0:
        return False
    at = start + 20
    while int.from_bytes(data[at : at + 2], "little") == _WRITE_PROTECT:
        at += 4 + int.from_bytes(data[at + 2 : at + 4], "little")
    return int.from_bytes(data[at : at + 2], "little") == _FILEPASS


def _text_format(data: bytes) -> Format:
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<table", b"<meta", b"mime-version:")):
        raise SheetError(
            "an HTML page under another name",
            f"文件内容是网页（很多系统导出的“Excel”其实是网页），不是真正的表格。{_SAVE_AS}",
        )
    if b"<html" in head or b"<table" in head:
        raise SheetError("an HTML page", f"文件内容是网页，不是真正的表格。{_SAVE_AS}")
    if head.startswith(b"<?xml"):
        raise SheetError("an XML document", f"文件内容是 XML，不能直接导入。{_SAVE_AS}")
    if head.startswith(b"%pdf"):
        raise _not_a_table("PDF 文档")
    if b"\0" in head and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise damaged()
    return Format.CSV


def _not_a_table(kind: str) -> SheetError:
    return SheetError(
        "not a workbook",
        f"文件是{kind}，不是表格。请把内容填入模板（用“libmatch templates”生成），存为 .xlsx 后再导入",
    )


def damaged() -> SheetError:
    """The error for bytes that no reader can make sense of."""
    return SheetError(
        "not a readable workbook: truncated, damaged or of another kind",
        f"文件已损坏、不完整，或不是表格文件。{_SAVE_AS}；打不开时请重新取得该文件",
    )


def encrypted() -> SheetError:
    """The error for a workbook that asks for a password."""
    return SheetError(
        "an encrypted workbook",
        "文件设有打开密码。请在 WPS 或 Excel 中打开，在“文件→文档加密（信息→保护工作簿）”中"
        "清除密码，保存后再导入",
    )

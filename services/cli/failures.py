"""What a failed run tells: an exit code and lines in Chinese; never a traceback, never a person's data.

Our own errors hold no personal data by rule, so their texts are shown. Of others only the type is told
apart; the details of an unforeseen one, types and places without texts, go to an owner-only file.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from libmatch.errors import (
    BatchError,
    EncodingError,
    IdentityError,
    InputError,
    KeyFileError,
    LibmatchError,
    LogError,
    ManifestError,
    ServiceError,
    ShareError,
    StateError,
    UnsealError,
)
from services.cli.exits import Exit

LOG_NAME = "errors.jsonl"
_UNKNOWN = re.compile(r"No such command '(.*)'")

# First match wins, so a class stands before its bases.
_LIBMATCH: tuple[tuple[type[LibmatchError], str], ...] = (
    (KeyFileError, "密钥文件打不开：口令不正确，或文件缺失、损坏"),
    (ManifestError, "周期清单或名册不能使用，请停止操作并联系授权机构"),
    (BatchError, "批次未通过检查"),
    (UnsealError, "比中记录无法打开，请联系纪委核实责任方"),
    (LogError, "审计日志核验不通过，请停止操作并立即报告纪委"),
    (IdentityError, "身份格式不正确"),
    (StateError, "客户端状态文件不能使用"),
    (EncodingError, "数据格式不正确或文件已损坏"),
)
_OS = {
    errno.ENOSPC: "磁盘空间不足，请清理后重试",
    errno.EDQUOT: "磁盘配额不足，请清理后重试",
    errno.EFBIG: "文件超过允许的大小，请另选磁盘",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EROFS: "所在磁盘只读",
    errno.ENOENT: "文件或文件夹不存在",
    errno.EEXIST: "已存在，不会覆盖；请换一个名称或先移走原文件",
    errno.ENOTEMPTY: "文件夹不是空的，不会覆盖",
    errno.EISDIR: "这是文件夹，不是文件",
    errno.ENOTDIR: "路径中有一段不是文件夹",
}


@dataclass(frozen=True)
class Failure:
    """How a run ended: its exit code, and what standard error says."""

    code: Exit
    lines: tuple[str, ...]


def explain(error: BaseException) -> Failure | None:
    """The failure that ``error`` is, or None for an unforeseen one."""
    match error:
        case InputError():
            return Failure(Exit.REFUSED, (error.message_zh,))
        case ServiceError():
            return Failure(Exit.SERVICE, (error.message_zh or f"服务器拒绝了请求（{error}）",))
        case ShareError():
            return Failure(Exit.TRUST, (_share(error),))
        case LibmatchError():
            return Failure(Exit.TRUST, (_libmatch(error),))
        case ModuleNotFoundError():
            return Failure(Exit.MISSING, (_missing(error),))
        case OSError():
            return Failure(Exit.REFUSED, (_os(error),))
        case MemoryError():
            return Failure(Exit.REFUSED, ("内存不足：文件过大，请拆分后重试",))
        case KeyboardInterrupt():
            return Failure(Exit.INTERRUPTED, ("已中断",))
    return _of_services(error)


def explain_unforeseen(error: BaseException, error_id: str, now: datetime) -> Failure:
    """The failure of an unforeseen error; its details are kept where a log can be written."""
    path = _keep_details(error, error_id, now)
    where = f"，详情在 {path}" if path else ""
    return Failure(
        Exit.INTERNAL, (f"程序内部错误，编号 {error_id}{where}。请将编号告知技术支持。",)
    )


def _libmatch(error: LibmatchError) -> str:
    own = getattr(error, "message_zh", "")
    if own:
        return str(own)
    zh = next((text for kind, text in _LIBMATCH if isinstance(error, kind)), "操作被拒绝")
    return f"{zh}（{error}）"


def _share(error: ShareError) -> str:
    return (
        f"保管人 {error.custodian} 给出的密钥份额与其承诺不符或打不开；"
        "请停止使用，并请该保管人重新密封份额"
    )


def _missing(error: ModuleNotFoundError) -> str:
    name = error.name or ""
    if name.partition(".")[0] in {"services", "libmatch"}:
        return f"本安装不含此功能（{name}）"
    extra = {"duckdb": "bulk", "pyspark": "spark"}.get(name, "services")
    return f"缺少组件 {name}；请运行：pip install 'libmatch[{extra}]'"


def _os(error: OSError) -> str:
    what = _OS.get(error.errno or 0, f"读写失败（{error.strerror or type(error).__name__}）")
    return f"{error.filename}：{what}" if error.filename else what


def _of_services(error: BaseException) -> Failure | None:
    """Configuration errors and refusals of services; imported late, most runs need neither."""
    from services.chassis.config import ConfigError
    from services.chassis.refusals import ChassisError

    if isinstance(error, ConfigError):
        return Failure(Exit.USAGE, ("配置不能使用：", *error.problems))
    if isinstance(error, ChassisError):
        return Failure(Exit.REFUSED, (error.message_zh or error.message,))
    return None


def _keep_details(error: BaseException, error_id: str, now: datetime) -> Path | None:
    try:
        from services.chassis.observe import describe_exception

        folder = state_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        record = {"at": now.isoformat(), "error_id": error_id, **describe_exception(error)}
        path = folder / LOG_NAME
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(json.dumps(record, ensure_ascii=False).encode("utf-8") + b"\n")
    except (OSError, ImportError):
        return None  # telling the person matters more than the log
    return path


def state_folder() -> Path:
    """Where this user's programs keep state: XDG_STATE_HOME, else ~/.local/state, then libmatch."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "libmatch"


def usage_lines(error: Exception, path: str) -> Iterator[str]:
    """What was wrong with a command line, in Chinese; ``path`` is the command as typed."""
    param = getattr(error, "param", None)
    option = next((opt for opt in getattr(param, "opts", []) if opt.startswith("--")), "")
    shown = getattr(param, "metavar", None) or ""
    name = f"{shown}（{option}）" if shown and option else shown or option
    parameter = getattr(error, "option_name", None) or name
    match type(error).__name__:
        case "MissingParameter":
            yield f"缺少参数 {parameter}"
        case "NoSuchOption":
            yield f"没有选项 {parameter}"
        case "BadParameter":
            yield f"参数 {parameter} 的值不正确（{error}）"
        case _ if (unknown := _UNKNOWN.match(str(error))) is not None:
            yield f"没有命令 {unknown[1]}"
        case _:
            yield f"命令用法不对（{error}）"
    yield f"查看用法：{path} --help"

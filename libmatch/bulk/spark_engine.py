"""Spark as the engine: on this machine, or on a cluster that sees the same files.

Runs in a process of its own that ends with the join, and its Java machine with it, so that nothing of
Spark's is on the caller's screen, in its memory or left behind. A program that uses Spark itself, and has a
session, is joined in that session, with its settings. The footers of the tables are checked before, and the
parts that Spark writes are made one file afterwards, by the embedded engine.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from libmatch.bulk import spark_job
from libmatch.bulk.duckdb_engine import Resources
from libmatch.bulk.spark_job import ROWS, Job, find_session, run_job
from libmatch.errors import InputError

_LOCAL = "local[*]"
_LEAST_MEMORY = 1 << 30  # a Java machine of less spends its time collecting garbage
_SHOWN = 300  # characters of what Spark said
_STOPPED = re.compile(r'^Exception in thread "[^"]*" (.+)$', re.MULTILINE)
_RAISED = re.compile(r"^((?:[\w$]+\.)+\w*(?:Exception|Error)\b.*)$", re.MULTILINE)


@dataclass(frozen=True)
class SparkSettings:
    """Where Spark runs (``local[*]``: all cores of this machine) and settings that go before our own."""

    master: str = _LOCAL
    conf: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """Parquet files, in the order of their rows, and how many rows Spark says that it wrote."""

    parts: list[Path]
    rows: int

    def check(self, rows: int) -> None:
        """Return if so many rows were found in the files. Raises InputError: others are lost matches.

        Where the nodes of a cluster do not share the folder, each leaves its part on its own disk.
        """
        if rows != self.rows or not self.parts:  # one part at least, with the columns
            raise InputError(
                f"Spark wrote {self.rows} rows, {rows} are here: do the nodes share this folder?",
                f"Spark 写出 {self.rows} 行，此处只有 {rows} 行；结果不完整，未保存。"
                "请把令牌表和结果文件放在集群各节点共享的同一目录",
            )


def join_on_spark(
    sql: str,
    columns: tuple[str, ...],
    tables: Sequence[Path],
    folder: Path,
    resources: Resources,
    settings: SparkSettings,
) -> Written:
    """What the query over the views a and b gave.

    It and all that Spark puts on this machine's disk lies in ``folder``; ``resources`` are the driver's.
    Raises InputError where Java is missing, memory is too little or Spark fails; OSError for a full disk;
    ModuleNotFoundError without pyspark.
    """
    a, b = (str(path.absolute()) for path in tables)
    out = folder.absolute() / "parts"
    job = Job(sql, columns, a, b, str(out), _configure(folder.absolute(), resources, settings))
    session = find_session()
    rows = _run_apart(job, folder) if session is None else run_job(session, job)
    return Written(sorted(out.glob("part-*.parquet")), rows)


def _configure(folder: Path, resources: Resources, settings: SparkSettings) -> dict[str, str]:
    master = settings.master
    if master == _LOCAL and resources.threads is not None:
        master = f"local[{resources.threads}]"
    conf = {
        "spark.app.name": "libmatch",
        "spark.master": master,
        # Nothing listens but on this machine, and to nobody without the session's secret.
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.authenticate": "true",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(folder / "spill"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.driver.extraJavaOptions": f"{_define('java.io.tmpdir', folder)} -XX:-UsePerfData",
    }
    if resources.memory_bytes is not None:
        if resources.memory_bytes < _LEAST_MEMORY:
            raise InputError(
                f"Spark needs {_LEAST_MEMORY >> 20} MiB of memory or more",
                f"Spark 至少需要 {_LEAST_MEMORY >> 20} MiB 内存；请加大内存上限，或改用 duckdb",
            )
        conf["spark.driver.memory"] = f"{resources.memory_bytes >> 20}m"
    return conf | dict(settings.conf)


def _define(name: str, value: Path) -> str:
    """The option of Java that sets a property, quoted as Spark splits its options."""
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"-D{name}={text}"'


def _run_apart(job: Job, folder: Path) -> int:
    _require_spark()
    request, log = folder / "job.json", folder / "spark.log"
    request.write_text(job.to_json(), "utf-8")
    # -P: beside the program lie modules whose names are not to shadow others.
    command = [sys.executable, "-P", str(spark_job.__file__), str(request.absolute())]
    # What a site sets for all of Spark would go before the folders named here.
    kept = {name: value for name, value in os.environ.items() if name != "SPARK_LOCAL_DIRS"}
    with log.open("wb") as said:
        run = subprocess.run(  # noqa: S603  # this interpreter and this library's own file
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=kept | {"TMPDIR": str(folder.absolute())},
            check=False,
        )
    if run.returncode:
        raise _as_failure(log.read_text("utf-8", "replace"), folder)
    return int(Path(f"{request}{ROWS}").read_text("ascii"))


def _require_spark() -> None:
    if importlib.util.find_spec("pyspark") is None:
        raise ModuleNotFoundError("Spark is not installed", name="pyspark")
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java" if home is None else str(Path(home) / "bin" / "java")) is None:
        raise InputError(
            "Spark needs Java 17 or newer",
            "找不到 Java：Spark 需要 Java 17 或更高版本；请安装后重试"
            "（Debian：openjdk-17-jre-headless），或改用 duckdb",
        )


def _as_failure(said: str, folder: Path) -> Exception:
    if os.strerror(errno.ENOSPC) in said:
        where = str(folder.absolute().parent)
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), where)
    if "OutOfMemoryError" in said:
        return InputError("Spark has too little memory", "Spark 内存不足；请加大内存上限后重试")
    causes = _STOPPED.findall(said) or _RAISED.findall(said)[-1:] or [""]
    cause = causes[0][:_SHOWN]
    return InputError(
        f"Spark failed: {cause}",
        f"Spark 未能完成；请检查 Java 版本和 Spark 的设置（{cause}）",
    )

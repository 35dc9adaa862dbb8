from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from libmatch.bulk.hits import read_hits
from libmatch.bulk.tables import write_table
from services.cli.exits import Exit
from services.cli.main import main

ROOT = Path(__file__).resolve().parents[4]
EPOCH = bytes(32)


def tokens(count: int, seed: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 32), np.uint8)


@pytest.fixture
def tables(tmp_path: Path) -> list[str]:
    """300 and 200 rows, of which 20 and 20 are equal, one of them twice in B."""
    a, b = tokens(300, 1), tokens(200, 2)
    b[:20], b[20] = a[:20], a[0]
    for name, rows in (("a.parquet", a), ("b.parquet", b)):
        write_table(tmp_path / name, EPOCH, [(rows, None)])
    return [str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]


def test_hits_are_written_and_counted(
    tables: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "hits.parquet"
    assert main(["bulk", "match", *tables, "--engine", "duckdb", "--out", str(out)]) == Exit.OK
    shown = capsys.readouterr().out
    assert [line.partition("：")[2] for line in shown.splitlines()[:3]] == [
        "300 行",
        "200 行",
        "21 对",
    ]
    assert len(read_hits(out)[0]) == 21


def test_limits_are_taken(tables: list[str], tmp_path: Path) -> None:
    limits = ["--memory", "64", "--threads", "1"]
    out = str(tmp_path / "hits")
    assert main(["bulk", "match", *tables, *limits, "--out", out]) == Exit.OK
    assert main(["bulk", "match", *tables, *limits, "--out", out]) == Exit.REFUSED
    assert main(["bulk", "match", *tables, *limits, "--out", out, "--overwrite"]) == Exit.OK


def test_a_standing_table_is_made_and_matched(
    tables: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, out = str(tmp_path / "常备表"), str(tmp_path / "hits")
    assert main(["bulk", "sort", tables[0], "--out", kept, "--memory", "64"]) == Exit.OK
    assert "常备表：300 行" in capsys.readouterr().out
    assert main(["bulk", "sort", tables[1], "--out", kept]) == Exit.REFUSED
    assert main(["bulk", "match", kept, tables[1], "--out", out]) == Exit.OK
    assert "比中：21 对" in capsys.readouterr().out
    assert main(["bulk", "match", kept, kept, "--out", out, "--overwrite"]) == Exit.REFUSED
    assert "其中一个请用令牌表" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["a.parquet", "b.parquet", "--out", "a.parquet"],
            Exit.REFUSED,
            "不能与令牌表是同一个文件",
        ),
        (
            ["a.parquet", "b.parquet", "--out", "list.csv"],
            Exit.REFUSED,
            "list.csv：已存在，不会覆盖",
        ),
        (["a.parquet", "none", "--out", "hits"], Exit.REFUSED, "none：文件或文件夹不存在"),
        (["a.parquet", "list.csv", "--out", "hits"], Exit.REFUSED, "list.csv：不是 Parquet 文件"),
        (
            ["a.parquet", "later", "--out", "hits"],
            Exit.REFUSED,
            "later：格式是“libmatch/1/token-hits”",
        ),
        (["a.parquet", "other", "--out", "hits"], Exit.REFUSED, "不是同一周期"),
        (
            ["a.parquet", "b.parquet", "--out", "/proc/hits"],
            Exit.REFUSED,
            "/proc：文件或文件夹不存在",
        ),
        (["a.parquet", "b.parquet", "--out", "no/hits"], Exit.REFUSED, "no：文件或文件夹不存在"),
        (["a.parquet", "b.parquet", "--out", "hits", "--engine", "x"], Exit.USAGE, "engine"),
        (["a.parquet", "b.parquet", "--out", "hits", "--memory", "1"], Exit.USAGE, "内存MiB"),
        (["a.parquet", "b.parquet"], Exit.USAGE, "缺少参数 结果文件"),
    ],
)
def test_what_cannot_be_done_is_said(
    tables: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: Exit,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.csv").write_text("t0,t1\n1,2\n")
    write_table(Path("other"), bytes(range(32)), [(tokens(3, 3), None)])
    assert main(["bulk", "match", *tables, "--out", "later"]) == Exit.OK
    before = sorted(Path().iterdir())
    assert main(["bulk", "match", *arguments]) == code
    assert said in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before


def test_full_disk_is_said_and_leaves_nothing(tables: list[str], tmp_path: Path) -> None:
    """The process may write no file beyond 4 KiB, which fails as a full disk does."""
    write_table(tmp_path / "big", EPOCH, [(tokens(5_000, 4), None)])
    run = subprocess.run(
        [sys.executable, "-m", "services.cli.main", "bulk", "match", "big", "big", "--out", "hits"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == Exit.REFUSED, run.stderr
    assert "文件超过允许的大小" in run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet", "big"]


def test_missing_engine_is_said(
    tables: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert main(["bulk", "match", *tables, "--out", str(tmp_path / "hits")]) == Exit.MISSING
    assert "libmatch[bulk]" in capsys.readouterr().err


# --- Spark ---------------------------------------------------------------------------------------


def listening(session: int) -> set[str]:
    """The addresses, in the kernel's hexadecimal, at which the processes of a session listen."""
    sockets, found = set(), set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(process.name)) == session:
                sockets |= {os.readlink(each)[8:-1] for each in (process / "fd").iterdir()}
        except OSError:  # it ended meanwhile
            continue
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                found.add(fields[1].partition(":")[0])
    return found


def test_spark_runs_apart_says_nothing_and_leaves_nothing(
    tables: list[str], tmp_path: Path
) -> None:
    before = sorted(path.name for path in Path(tempfile.gettempdir()).iterdir())
    arguments = ["--engine", "spark", "--threads", "1", "--memory", "1024", "--out", "hits"]
    arguments += ["--spark-conf", "spark.sql.shuffle.partitions=1"]
    quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # a short job pays for better compilers
    heard: set[str] = set()
    with subprocess.Popen(
        [sys.executable, "-m", "services.cli.main", "bulk", "match", *tables, *arguments],
        cwd=tmp_path,
        env=dict(os.environ) | {"PYTHONPATH": str(ROOT), "JDK_JAVA_OPTIONS": quick},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        while run.poll() is None:
            heard |= listening(run.pid)
            time.sleep(0.2)
        assert run.stdout is not None
        assert run.stderr is not None
        said, warned = run.stdout.read(), run.stderr.read()
    assert (run.returncode, warned) == (Exit.OK, "")
    assert "比中：21 对" in said
    assert len(read_hits(tmp_path / "hits")[0]) == 21
    assert heard
    assert heard <= {"0100007F", "0000000000000000FFFF00000100007F"}  # 127.0.0.1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet", "hits"]
    new = {path.name for path in Path(tempfile.gettempdir()).iterdir()} - set(before)
    assert not [name for name in new if re.match("spark|hsperf|blockmgr", name)]


@pytest.mark.parametrize(
    ("arguments", "path", "code", "said"),
    [
        ([], "", Exit.REFUSED, "找不到 Java：Spark 需要 Java 17"),
        (["--memory", "64"], None, Exit.REFUSED, "Spark 至少需要 1024 MiB 内存"),
        (["--spark-conf", "x"], None, Exit.REFUSED, "名称=值"),
    ],
    ids=["java", "memory", "conf"],
)
def test_what_spark_lacks_is_said(
    tables: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    path: str | None,
    code: Exit,
    said: str,
) -> None:
    if path is not None:
        monkeypatch.setenv("PATH", path)
        monkeypatch.delenv("JAVA_HOME", raising=False)
    out = ["--engine", "spark", "--out", str(tmp_path / "hits")]
    assert main(["bulk", "match", *tables, *arguments, *out]) == code
    assert said in capsys.readouterr().err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]


def test_what_spark_refuses_is_said(
    tables: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--engine", "spark", "--spark-master", "nowhere", "--out", str(tmp_path / "hits")]
    assert main(["bulk", "match", *tables, *out]) == Exit.REFUSED
    assert "Master must" in capsys.readouterr().err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]

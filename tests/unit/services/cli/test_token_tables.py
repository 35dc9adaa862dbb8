"""``libmatch bulk tokens``: a unit's list becomes a token table; what is refused is told by row."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from libmatch.bulk.hits import read_hits
from libmatch.identifiers import Kind
from libmatch.suites import get_suite
from libmatch.tokens import derive_token
from services.cli import text_columns
from services.cli.exits import Exit
from services.cli.main import main
from tests.district import INSPECTOR, PASSPHRASE, District, make_district, person

UNIT, OTHER = "reg-a", "ben-a"
IDS = [person(number).idn for number in range(40)]
HEADING = "身份证号码"


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(registry=[UNIT], beneficiary=[OTHER], now=datetime.now(UTC))


@pytest.fixture
def keys(district: District, tmp_path: Path) -> list[str]:
    """The options that name the unit's kit."""
    district.write_kit(tmp_path / "kit", UNIT)
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text(PASSPHRASE)
    return ["--kit", str(tmp_path / "kit"), "--unit", UNIT, "--passphrase-file", str(secret)]


def make(source: Path, keys: list[str], *more: str, column: str = HEADING) -> int:
    out = str(source.with_name("t.parquet"))
    return main(["bulk", "tokens", str(source), "--column", column, "--out", out, *keys, *more])


def rows_of(path: Path) -> list[tuple[bytes, int]]:
    """(token, row) of a token table, as another program reads it."""
    with duckdb.connect() as reader:
        found = reader.execute("SELECT t0, t1, t2, t3, r0, r1 FROM read_parquet(?)", [str(path)])
        return [
            (b"".join(word.to_bytes(8, "big", signed=True) for word in row[:4]), row[5])
            for row in found.fetchall()
            if row[4] == 0
        ]


def token(district: District, idn: str) -> bytes:
    suite = get_suite(district.manifest.suite)
    return derive_token(suite, district.holder(UNIT).key, Kind.RESIDENT_ID, idn)


def write_csv(path: Path, ids: list[str]) -> Path:
    lines = ["名单", f"姓名,{HEADING}", *(f"甲,{idn}" for idn in ids)]
    path.write_text("\n".join(lines), "gb18030")
    return path


def write_sheet(path: Path, ids: list[str]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet, _ = book.add_worksheet("名单"), book.add_worksheet("说明")
        sheet.write_row(0, 0, ["姓名", "身份证 号码"])
        for number, idn in enumerate(ids, 1):
            sheet.write_row(number, 0, ["甲", idn])
    return path


def write_parquet(path: Path, ids: list[str | None], kind: str = "VARCHAR") -> Path:
    with duckdb.connect() as writer:
        writer.execute(f"CREATE TABLE t (姓名 VARCHAR, {HEADING} {kind})")
        writer.executemany("INSERT INTO t VALUES ('甲', ?)", [[idn] for idn in ids])
        writer.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


def test_every_kind_of_file_gives_the_tokens_of_its_rows(
    district: District, keys: list[str], tmp_path: Path
) -> None:
    expected = [token(district, idn) for idn in IDS]
    for first, source in (
        (3, write_csv(tmp_path / "a.csv", IDS)),
        (2, write_sheet(tmp_path / "a.xlsx", IDS)),
        (1, write_parquet(tmp_path / "a.parquet", list(IDS))),
    ):
        assert make(source, keys, "--overwrite") == Exit.OK
        found = rows_of(tmp_path / "t.parquet")
        assert found == list(zip(expected, range(first, first + 40), strict=True))
    assert stat.S_IMODE((tmp_path / "t.parquet").stat().st_mode) == 0o600


def test_tables_of_two_units_match_by_row(
    district: District, keys: list[str], tmp_path: Path
) -> None:
    assert make(write_csv(tmp_path / "a.csv", IDS), keys) == Exit.OK
    (tmp_path / "t.parquet").rename(tmp_path / "a.tokens")
    district.write_kit(tmp_path / "other", OTHER)
    theirs = ["--kit", str(tmp_path / "other"), "--unit", OTHER, *keys[4:]]
    assert make(write_csv(tmp_path / "b.csv", [IDS[5], IDS[5], IDS[7]]), theirs) == Exit.OK
    tables = [str(tmp_path / "a.tokens"), str(tmp_path / "t.parquet")]
    assert main(["bulk", "match", *tables, "--out", str(tmp_path / "hits")]) == Exit.OK
    a, b = (rids[:, 15].tolist() for rids in read_hits(tmp_path / "hits"))
    assert (a, b) == ([8, 8, 10], [3, 4, 5])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_refused_rows_are_told_and_the_others_taken(
    keys: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    wrong = IDS[2][:-1] + ("0" if IDS[2][-1] != "0" else "1")
    ids = [IDS[0], wrong, "", "4.4010619990101E+17", IDS[1]]
    path = tmp_path / f"a{suffix}"
    source = (
        write_csv(path, ids)
        if suffix == ".csv"
        else write_parquet(path, [*ids[:2], None, *ids[3:]])
    )
    assert make(source, keys) == Exit.PARTIAL
    first = 3 if suffix == ".csv" else 1
    assert [row for _, row in rows_of(tmp_path / "t.parquet")] == [first, first + 4]
    told = (tmp_path / "t-待改正.csv").read_text("utf-8-sig").splitlines()
    assert told[0] == "行号,未采纳的原因"
    assert [line.partition(",")[0] for line in told[1:]] == [str(first + at) for at in (1, 2, 3)]
    assert "没有填写" in told[2]
    shown = capsys.readouterr()
    for text in (*told, shown.out, shown.err):
        assert not any(idn in text for idn in (*IDS[:2], wrong))
    assert "采纳：2 行" in shown.out
    assert "未采纳：3 行" in shown.out
    assert stat.S_IMODE((tmp_path / "t-待改正.csv").stat().st_mode) == 0o600


def test_parts_are_joined_without_a_gap(
    district: District, keys: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_columns, "_PART", 7)
    assert make(write_parquet(tmp_path / "a.parquet", list(IDS)), keys) == Exit.OK
    expected = [(token(district, idn), row) for row, idn in enumerate(IDS, 1)]
    assert rows_of(tmp_path / "t.parquet") == expected


@pytest.mark.parametrize(
    ("source", "column", "said"),
    [
        ("a.csv", "编号", "a.csv：找不到表头“编号”"),
        ("a.csv", "姓名", "没有一行的证件号码可以采纳，请检查 --column 是否选对；第3行"),
        ("a.parquet", "编号", "a.parquet：没有列“编号”"),
        ("numbers.parquet", HEADING, "不是文本，号码可能已丢失末位"),
        ("damaged.parquet", HEADING, "damaged.parquet：不是 Parquet 文件"),
        ("none.csv", HEADING, "none.csv：文件或文件夹不存在"),
        ("two.xlsx", HEADING, "two.xlsx：有 2 张工作表都有表头"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_written(
    keys: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
    column: str,
    said: str,
) -> None:
    write_csv(tmp_path / "a.csv", IDS)
    write_parquet(tmp_path / "a.parquet", list(IDS))
    write_parquet(tmp_path / "numbers.parquet", [IDS[0][:17]], "BIGINT")
    (tmp_path / "damaged.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    with xlsxwriter.Workbook(tmp_path / "two.xlsx") as book:
        for name in "ab":
            book.add_worksheet(name).write_row(0, 0, ["姓名", HEADING])
    before = sorted(tmp_path.iterdir())
    assert make(tmp_path / source, keys, column=column) == Exit.REFUSED
    assert said in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


def test_only_the_units_own_kit_opens(
    district: District, keys: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of another unit, or the kit of 纪委, which has no share."""
    source = write_csv(tmp_path / "a.csv", IDS)
    assert make(source, [*keys[:3], OTHER, *keys[4:]]) == Exit.TRUST
    district.write_kit(tmp_path / "inspector", INSPECTOR)
    theirs = ["--kit", str(tmp_path / "inspector"), "--unit", INSPECTOR, *keys[4:]]
    assert make(source, theirs) == Exit.TRUST
    assert not (tmp_path / "t.parquet").exists()
    assert "Traceback" not in capsys.readouterr().err


def test_a_unit_that_was_struck_off_makes_no_tokens(
    district: District, keys: list[str], tmp_path: Path
) -> None:
    district.revoke(UNIT).write_epoch(tmp_path / "kit")
    assert make(write_csv(tmp_path / "a.csv", IDS), keys) == Exit.TRUST


def test_nothing_is_overwritten_unasked(keys: list[str], tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [IDS[0], "x"])
    assert make(source, keys) == Exit.PARTIAL
    before = (tmp_path / "t.parquet").read_bytes()
    assert make(source, keys) == Exit.REFUSED
    (tmp_path / "t.parquet").unlink()
    assert make(source, keys) == Exit.REFUSED  # the file of refused rows is there
    assert make(source, keys, "--overwrite") == Exit.PARTIAL
    assert (tmp_path / "t.parquet").read_bytes() == before

"""One join on Spark. The one module that imports it: as a program of its own, or in a running session.

As a program (``spark_engine`` starts it), it needs nothing of this library, so that the process around a
Java machine is as small as it can be: a file names the work, standard error says what went wrong.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROWS = ".rows"
"""Behind the name of the file that names the work: the file of the number of rows that were written."""


@dataclass(frozen=True)
class Job:
    """An SQL text over two Parquet files ``a`` and ``b`` of 64-bit integers; paths are absolute.

    ``out`` is a folder that Spark makes; its parts, by name, hold the rows in the order of the query.
    """

    sql: str
    columns: tuple[str, ...]
    a: str
    b: str
    out: str
    conf: dict[str, str]

    def to_json(self) -> str:
        """As the program reads it."""
        return json.dumps(asdict(self))


def find_session() -> SparkSession | None:
    """The session of a program that uses Spark itself; None where there is none."""
    if "pyspark" not in sys.modules:
        return None
    from pyspark.sql import SparkSession

    return SparkSession.getActiveSession()


def run_job(session: SparkSession, job: Job) -> int:
    """How many rows were written. The session's own views and settings stay as they are."""
    from pyspark.sql import Observation
    from pyspark.sql.functions import count, lit

    own: Any = session.newSession()
    # Where a site has set these, a damaged file would be a lost match instead of an error.
    own.conf.set("spark.sql.files.ignoreCorruptFiles", "false")
    own.conf.set("spark.sql.files.ignoreMissingFiles", "false")
    schema = ", ".join(f"{column} BIGINT" for column in job.columns)
    for name, path in (("a", job.a), ("b", job.b)):
        own.read.schema(schema).parquet(_escape(path)).createOrReplaceTempView(name)
    written = Observation()
    rows = own.sql(job.sql).observe(written, count(lit(1)).alias("rows"))
    rows.write.parquet("file://" + job.out)
    return int(written.get["rows"])


def _escape(path: str) -> str:
    """The path as a pattern that means this one file, whatever its name."""
    return "file://" + re.sub(r"([\\*?\[\]{}])", r"\\\1", path)


def _main(path: str) -> None:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

    with open(path, encoding="utf-8") as file:
        job = Job(**json.load(file))
    conf = SparkConf(loadDefaults=False).setAll(list(job.conf.items()))
    session = SparkSession.builder.config(conf=conf).getOrCreate()
    try:
        rows = run_job(session, job)
    finally:
        session.stop()
    with open(path + ROWS, "w", encoding="ascii") as file:
        file.write(str(rows))


if __name__ == "__main__":
    _main(sys.argv[1])

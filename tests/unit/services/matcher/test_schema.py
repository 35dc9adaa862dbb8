"""The matcher's tables: the migration makes exactly them, and they hold nothing that they need not."""

from __future__ import annotations

import itertools

from libmatch.records import MAX_ROWS
from services.chassis.schema import schema_differences
from services.matcher.app import VERSIONS
from services.matcher.tables import (
    POSITION_BITS,
    Tables,
    number_of,
    position_of,
    record_id,
    table_of,
)


def test_migrations_make_the_tables() -> None:
    assert schema_differences(VERSIONS, Tables.metadata) == []


def test_a_record_id_says_batch_and_position() -> None:
    assert 1 << POSITION_BITS == MAX_ROWS
    for number, position in itertools.product((1, 2, 1 << 40), (0, 1, MAX_ROWS - 1)):
        record = record_id(number, position)
        assert (number_of(record), position_of(record)) == (number, position)
        assert record < 1 << 63
    assert record_id(2, 0) == record_id(1, MAX_ROWS - 1) + 1


def test_every_table_has_its_own_name() -> None:
    names = {table_of(model).name for model in Tables.__subclasses__()}
    assert names == set(Tables.metadata.tables)

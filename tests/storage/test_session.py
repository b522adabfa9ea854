"""Statements return rows of the requested type, or raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import pytest

from advocacy.storage.session import column, execute, exists, run, scalar


class Pair(NamedTuple):
    number: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    name: str
    number: int


BOTH = "select n::int4 as number, 'n' || n as name from generate_series(1, 2) as g (n)"


def test_rows_are_of_the_type_that_is_asked_for(app):
    assert run(Pair, BOTH) == [Pair(1, "n1"), Pair(2, "n2")]
    assert type(run(Pair, BOTH)[0]) is Pair
    assert run(Named, BOTH) == [Named(number=1, name="n1"), Named(number=2, name="n2")]


@pytest.mark.parametrize("statement", ["select 1 as number", "select 'a' as name, 1 as number"])
def test_a_statement_with_other_columns_is_refused(app, statement):
    with pytest.raises(TypeError, match="Pair has other fields"):
        run(Pair, statement)


def test_a_dataclass_of_other_fields_is_refused(app):
    with pytest.raises(TypeError, match="Named has other fields"):
        run(Named, "select 1 as number")


def test_single_values(app):
    assert column(int, "select n from generate_series(1, 3) as g (n)") == [1, 2, 3]
    assert scalar(str, "select cast(:word as text)", word="a") == "a"
    assert exists("select 1 where 1 = 1") and not exists("select 1 where 1 = 2")


def test_rows_that_are_changed_are_counted(app):
    execute("create temporary table numbers on commit drop as select 1 as n")
    assert execute("insert into numbers values (:n), (3)", n=2) == 2
    assert execute("update numbers set n = n + 1 where n > :n", n=1) == 2
    assert execute("delete from numbers where n > :n", n=9) == 0

"""Partition tables by organization in one PostgreSQL, to see which shards a statement would touch.

Every table that Citus would distribute is partitioned by `hash (org_id)`, like its shards. The plan
of a statement then shows which partitions it needs, by the same conditions by which Citus decides
whether a statement can run on one machine. Each statement of a run is explained first, with its
values, and checked here.

Note: this is not Citus. Further rules of Citus that can be checked on PostgreSQL's parse tree are
checked as well (`refused_functions`).
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer
from sqlalchemy import Engine, MetaData, event, text

from advocacy.cli.dev.up import MIGRATIONS
from advocacy.storage import models  # noqa: F401 -- the tables have to be known
from advocacy.storage.citus import COLUMN, GLOBAL
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from tests.architecture.modules import ACROSS

PARTS = 2
"""As few partitions as reveal a statement on several; each costs time in every test."""
LOOKS = 3
"""How often a statement is explained: other values may touch other partitions."""

THROUGH_OWN_ROWS = {"advocacy.ingestion.sample_rows:fill"}
"""What inserts the organization of its rows, all of which are one's."""

_ACROSS = {".".join(each) for each in ACROSS}

_LOCKS = re.compile(r"\bfor\s+(no\s+key\s+)?(update|key\s+share|share)\b", re.I)
_CHANGES = re.compile(r"\b(insert\s+into|update|delete\s+from|merge)\b", re.I)
_INSERTS = re.compile(r"\binsert\s+into\s+(\w+)", re.I)
_REPLACES = re.compile(rf"\b(?:update|delete\s+from)\s+({'|'.join(GLOBAL)})\b", re.I)
_INSERTS_ONE = re.compile(
    r"\binsert\s+into\s+\w+(\s+as\s+\w+)?\s*\(\s*org_id\b[^)]*\)\s*"
    r"(select\s+|values\s*\(\s*)%\((o|org_id\w*)\)s",
    re.I,
)

wrong: dict[str, str] = {}
"""The findings by storage function."""

seen: set[str] = set()
"""The storage functions whose statements were checked."""

_looks: dict[str, int] = {}
_watched: set[str] = set()


def make_tables() -> None:
    """Create all tables of the models, partitioned."""
    made = MetaData(naming_convention=db.metadata.naming_convention)
    for table in db.metadata.sorted_tables:
        copy = table.to_metadata(made)
        if table.name not in GLOBAL:
            copy.dialect_options["postgresql"]["partition_by"] = f"HASH ({COLUMN})"
    with transaction() as session:
        made.create_all(session.connection())
        session.execute(text("create table alembic_version (version_num text)"))
        session.execute(text("insert into alembic_version values (:head)"), {"head": _head()})
        for table in made.sorted_tables:
            if table.name in GLOBAL:
                continue
            for part in range(PARTS):
                session.execute(
                    text(
                        f"create table {table.name}_p{part} partition of {table.name}"
                        f" for values with (modulus {PARTS}, remainder {part})"
                    )
                )


def _head() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def watch() -> None:
    """Check every statement that is executed in this database from now on."""
    _watched.add(db.session.scalar(text("select current_database()")))
    event.listen(Engine, "begin", _begin)
    event.listen(Engine, "before_cursor_execute", _look)


def _begin(connection: Any) -> None:
    connection.info["inserted"] = set()


def _look(
    connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
) -> None:
    if cursor.connection.info.dbname not in _watched:
        return
    asker = _asker()
    if asker is None or not re.match(r"\s*(with|select|insert|update|delete)\b", statement, re.I):
        return
    seen.add(asker)
    if found := _locks_in_wrong_order(connection.info.setdefault("inserted", set()), statement):
        wrong[asker] = f"{found}\n{statement}"
    _looks[statement] = _looks.get(statement, 0) + 1
    if _looks[statement] > LOOKS:
        return
    values = parameters[0] if many else parameters
    for found in _judge(cursor.connection, asker, statement, values, _looks[statement] == 1):
        wrong[asker] = f"{found}\n{statement}"


def _locks_in_wrong_order(inserted: set[str], statement: str) -> str:
    """Say whether two transactions that do this at once would wait for each other.

    Of a table that every node has, inserts run side by side, and updates and deletes run alone.
    """
    for table in _REPLACES.findall(statement):
        if table.lower() in inserted:
            return f"deletes of {table}, into which the transaction has inserted"
    inserted.update(name.lower() for name in _INSERTS.findall(statement) if name.lower() in GLOBAL)
    return ""


def _asker() -> str | None:
    """Return the running storage function, as module.function; None for a test's own SQL."""
    frame = inspect.currentframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("advocacy.storage.") and module != "advocacy.storage.session":
            name = frame.f_code.co_qualname.partition(".<")[0]
            return f"{module.removeprefix('advocacy.storage.')}.{name}"
        if module.startswith("tests.") and module != __name__:
            return None
        if module.startswith("advocacy.") and module != "advocacy.storage.session":
            return f"{module}:{frame.f_code.co_name}"
        frame = frame.f_back
    return None


def _judge(connection: Any, asker: str, statement: str, values: Any, first: bool) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"explain (verbose, format json) {statement}", values)
        ((plan,),) = cursor.fetchall()
    parts = set(parts_of(plan if isinstance(plan, list) else json.loads(plan)))
    changes = bool(_CHANGES.search(statement)) or bool(_LOCKS.search(statement))
    if len(parts) > 1 and (changes or asker not in _ACROSS):
        yield f"touches {len(parts)} of {PARTS} parts"
    cut = [name for name in _INSERTS.findall(statement) if name not in GLOBAL]
    if len(cut) > len(_INSERTS_ONE.findall(statement)) and asker not in THROUGH_OWN_ROWS:
        yield "inserts what does not begin with one given organization"
    if first and re.search(r"\b(update|delete\s+from)\b", statement, re.I):
        yield from refused_functions(connection, statement, values)


def parts_of(plan: Any) -> Iterator[int]:
    """Yield the partitions that a plan reads or changes."""
    if isinstance(plan, list):
        for each in plan:
            yield from parts_of(each)
    elif isinstance(plan, dict):
        if part := re.fullmatch(r"\w+_p(\d)", plan.get("Relation Name", "")):
            yield int(part[1])
        for each in plan.values():
            if isinstance(each, list | dict):
                yield from parts_of(each)


# What Citus takes of functions in an update or a delete. It sends the statement to other machines,
# so whatever depends on a setting or on the moment it works out first, and cannot where it is
# worked out of a column.


def refused_functions(connection: Any, statement: str, values: Any) -> Iterator[str]:
    """Yield the functions in updates and deletes of a statement that Citus would refuse."""
    facts = _catalog(connection)
    for query in _nodes(_tree_of(connection, statement, values), "QUERY"):
        if query.get("commandType") not in {"2", "4"}:
            continue
        for place in (query["targetList"], _quals(query)):
            for node in _all(place):
                kind = _volatility(node, facts)
                if kind == "v":
                    yield f"a volatile function in an update or delete: {_named(node, facts)}"
                elif kind == "s" and any(_nodes(_arguments(node), "VAR")):
                    yield f"a stable function of a column: {_named(node, facts)}"
                elif node.get("") in {"CASEEXPR", "COALESCEEXPR"} and any(
                    _volatility(below, facts) in {"s", "v"} for below in _all(node)
                ):
                    yield "a function that is not immutable within case or coalesce"
        if any(_volatility(node, facts) in {"s", "v"} for node in _all(query["returningList"])):
            yield "a function that is not immutable in returning"


def _tree_of(connection: Any, statement: str, values: Any) -> Any:
    """Return PostgreSQL's parse tree of a statement: that of a function made of it."""
    query = PostgresQuery(Transformer(connection))
    query.convert(statement, values)
    asked = query.query.decode()
    with connection.cursor() as cursor:
        cursor.execute("savepoint looked_at")
        given = ", ".join(f"{oid}::regtype::text" if oid else "'unknown'" for oid in query.types)
        types = ""
        if given:
            cursor.execute(f"select concat_ws(', ', {given})")
            types = f"({cursor.fetchone()[0]})"
        cursor.execute(f"prepare looked_at {types} as {asked}")
        cursor.execute(
            "select array_to_string(parameter_types, ', ') from pg_prepared_statements"
            " where name = 'looked_at'"
        )
        (types,) = cursor.fetchone()
        cursor.execute("deallocate looked_at")
        cursor.execute(
            f"create function pg_temp.looked_at({types}) returns void language sql"
            f" begin atomic {asked}; end"
        )
        cursor.execute("select prosqlbody::text from pg_proc where proname = 'looked_at'")
        (tree,) = cursor.fetchone()
        cursor.execute("rollback to savepoint looked_at")
    return _parse(tree)


def _parse(tree: str) -> Any:
    """Read a `pg_node_tree`: nodes become dicts with their kind under '', lists become lists."""
    tokens = iter(re.findall(r"[{}()]|(?:\\.|[^\s{}()\\])+", tree))

    def value(token: str) -> Any:
        if token == "(":
            return list(iter(lambda: _item(tokens, value, ")"), None))
        if token == "{":
            node: dict[str, Any] = {"": next(tokens)}
            field = ""
            while (token := next(tokens)) != "}":
                if token.startswith(":") and len(token) > 1:
                    field = token[1:]
                    node.setdefault(field, None)
                elif node[field] is None or token in "({":
                    node[field] = value(token)
            return node
        return token

    return value(next(tokens))


def _item(tokens: Iterator[str], value: Any, end: str) -> Any:
    token = next(tokens)
    return None if token == end else value(token)


def _all(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of an expression; not those of queries within it."""
    if isinstance(tree, list):
        for each in tree:
            yield from _all(each)
    elif isinstance(tree, dict) and tree[""] != "QUERY":
        yield tree
        for each in tree.values():
            yield from _all(each)


def _nodes(tree: Any, kind: str) -> Iterator[dict[str, Any]]:
    """Yield every node of a kind, wherever it is."""
    if isinstance(tree, list):
        for each in tree:
            yield from _nodes(each, kind)
    elif isinstance(tree, dict):
        if tree[""] == kind:
            yield tree
        for each in tree.values():
            yield from _nodes(each, kind)


def _quals(query: Mapping[str, Any]) -> Any:
    return [node.get("quals") for node in _nodes(query["jointree"], "FROMEXPR")]


def _arguments(node: Mapping[str, Any]) -> Any:
    return [node.get("args"), node.get("arg")]


@cache
def _catalog_of(name: str) -> dict[str, dict[str, str]]:
    return {"function": {}, "operator": {}, "reads": {}, "name": {}}


def _catalog(connection: Any) -> dict[str, dict[str, str]]:
    """Return by oid how volatile functions, operators and the reading of types are."""
    facts = _catalog_of(connection.info.dbname)
    if not facts["function"]:
        with connection.cursor() as cursor:
            cursor.execute("select oid::text, provolatile::text, proname::text from pg_proc")
            for oid, kind, name in cursor.fetchall():
                facts["function"][oid], facts["name"][oid] = kind, name
            cursor.execute("select oid::text, oprcode::oid::text from pg_operator")
            facts["operator"] = dict(cursor.fetchall())
            cursor.execute("select oid::text, typinput::oid::text from pg_type")
            facts["reads"] = dict(cursor.fetchall())
    return facts


def _function(node: Mapping[str, Any], facts: Mapping[str, Mapping[str, str]]) -> str:
    if "opno" in node:
        return facts["operator"].get(str(node["opno"]), "")
    if node[""] == "COERCEVIAIO":
        return facts["reads"].get(str(node["resulttype"]), "")
    return str(node.get("funcid", ""))


def _volatility(node: Mapping[str, Any], facts: Mapping[str, Mapping[str, str]]) -> str:
    return facts["function"].get(_function(node, facts), "i")


def _named(node: Mapping[str, Any], facts: Mapping[str, Mapping[str, str]]) -> str:
    return facts["name"].get(_function(node, facts), node[""])


def unseen() -> list[str]:
    """Return the storage functions with statements that no test executed."""
    asking = {
        "run",
        "column",
        "scalar",
        "exists",
        "execute",
        "scalars",
        "get",
        "flush",
    }
    found = {
        f"{path.stem}.{function.name}"
        for path in (Path(__file__).parents[2] / "advocacy" / "storage").glob("*.py")
        for function in ast.parse(path.read_text()).body
        if isinstance(function, ast.FunctionDef)
        and any(
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) in asking
            # A mapping has a `get` as well.
            and (getattr(node.func, "attr", "") != "get" or "session" in ast.unparse(node.func))
            for node in ast.walk(function)
        )
    }
    return sorted(found - seen)


def told() -> str:
    """Return the findings as text; empty if there are none."""
    return "\n\n".join(f"{asker}: {what}" for asker, what in sorted(wrong.items()))

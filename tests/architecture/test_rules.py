"""Architecture rules that no tool has: clocks, commits, SQL, organizations, names, migrations.

Layers and imports are held by import-linter, docstrings by ruff (both in pyproject.toml).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from advocacy.storage import citus
from advocacy.storage.db import db
from tests.architecture.modules import ACROSS, MODULES, ROOT

# Modules without clock and chance. Who may import whom is held by import-linter (pyproject.toml).
PURE = (
    "advocacy.core",
    "advocacy.attribution",
    "advocacy.providers",
    "advocacy.disclosure",
    "advocacy.identity.graph",
    "advocacy.identity.hashing",
    "advocacy.ingestion.reconcile",
    "advocacy.tracking.user_agents",
    "advocacy.analytics.forecast",
    "advocacy.analytics.glossary",
    "advocacy.analytics.surges",
    "advocacy.analytics.tracking_loss",
)
# New ids and nonces are random; a workbook is read by a process of its own.
IMPURE = ("advocacy.core.ids", "advocacy.core.crypto", "advocacy.core.tabular")
CLOCK_AND_CHANCE = {"time", "random", "secrets", "os"}
FORBIDDEN_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|services?|common|misc)($|_)")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_pure_modules_use_no_clock_and_no_randomness():
    found = []
    for path in MODULES:
        name = module_name(path)
        if not within(name, PURE) or within(name, IMPURE):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(attr="now" | "utcnow" | "today" | "time_ns" | "monotonic"):
                    found.append(f"{name}:{node.lineno} reads the clock")
                case ast.Import(names=aliases):
                    modules = {alias.name for alias in aliases}
                    if modules & CLOCK_AND_CHANCE:
                        found.append(f"{name}:{node.lineno} imports {modules}")
                case ast.ImportFrom(module=module) if module in CLOCK_AND_CHANCE:
                    found.append(f"{name}:{node.lineno} imports {module}")
    assert found == []


def within(name: str, packages: Iterable[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in packages)


def test_only_transaction_commits():
    found = [
        f"{module_name(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
    ]
    assert len(found) == 1
    assert found[0].startswith("advocacy.storage.session:")


def test_sql_lives_in_the_store():
    words = re.compile(
        r"\b(select|insert into|update|delete from)\b[\s\S]+\b(from|set|values)\b", re.I
    )
    for path in MODULES:
        name = module_name(path)
        if name.startswith(("advocacy.storage.", "advocacy.ingestion.sample_rows")):
            continue
        tree = ast.parse(path.read_text())
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                statement = id(node) not in documented and words.match(node.value.strip())
                assert not statement, f"{name}:{node.lineno} holds SQL"


STATEMENT_AT = {"run": 1, "column": 1, "scalar": 1, "exists": 0, "execute": 0}
"""Which argument of the functions of `storage.session` is the statement."""


def test_statements_that_write_or_lock_name_one_organization():
    """Citus routes a write by `org_id`; and nobody forgets whose rows these are."""
    for path in (ROOT / "advocacy" / "storage").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            is_statement = (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in STATEMENT_AT
                and node.args
            )
            if not is_statement:
                continue
            statement = ast.unparse(node.args[STATEMENT_AT[node.func.id]]).lower()
            writes = re.search(r"\b(insert into|update|delete from|for update)\b", statement)
            if writes and "set " + "lock_timeout" not in statement:
                named = {keyword.arg for keyword in node.keywords}
                assert {"o", "org_id"} & named or any(k.arg is None for k in node.keywords), (
                    f"{path.name}:{node.lineno} writes without naming an organization"
                )
                assert "org_id" in statement, f"{path.name}:{node.lineno}"


def statements() -> list[tuple[str, str, str]]:
    """Return each statement of the store as (module, function, text in lower case)."""
    found = []
    for path in sorted((ROOT / "advocacy" / "storage").glob("*.py")):
        for function in ast.parse(path.read_text()).body:
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in STATEMENT_AT
                    and node.args
                ):
                    text = (
                        ast.unparse(node.args[STATEMENT_AT[node.func.id]])
                        .lower()
                        .replace("\\n", " ")
                    )
                    found.append((path.stem, getattr(function, "name", ""), text))
    return found


def distributed_tables(statement: str) -> set[str]:
    """Return the tables of a statement of which each node has a part only."""
    found = set(re.findall(r"\b(?:from|join|update|into)\s+(\w+)", statement))
    return found & set(db.metadata.tables) - set(citus.GLOBAL)


def test_queries_over_all_organizations_run_on_a_cluster():
    """Citus answers anything about one organization, and less than that about all of them."""
    across = [
        (module, function, text)
        for module, function, text in statements()
        if re.search(r"\b(from|join|update|into) \w", text)
        and not re.search(r"org_id = :(o|org_id)\b|:o,|:org_id,|{where}|{came}|{within", text)
        and not re.search(r"from (alembic_version|citus_tables|pg_\w+)\b", text)
        and distributed_tables(text)
    ]
    assert {(module, function) for module, function, _ in across} == ACROSS
    for module, function, text in across:
        bad = re.search(
            r"lateral|for (no key )?update|recursive|grouping sets| over \(|insert|update|delete",
            text,
        )
        assert not bad, f"{module}.{function}: {bad and bad[0]}"


def test_no_statement_uses_volatile_functions_on_several_machines():
    """Citus refuses volatile functions where it would run them more than once."""
    for module, function, text in statements():
        if module == "generated":
            continue  # a command of its own, not for a cluster
        if re.search(r"\b(insert into|update|delete from)\b", text):
            volatile = re.search(
                r"random\(|gen_random_uuid|clock_timestamp|nextval|timeofday", text
            )
            assert not volatile, f"{module}.{function}: {volatile and volatile[0]}"
        # A cluster takes a part that writes only where it is plainly on one machine.
        within = re.search(r"as (materialized )?\(\s*insert into [^()]*\([^()]*\)\s*select", text)
        assert not within, f"{module}.{function}: write it as a statement of its own"


def test_names_explain_themselves():
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in MODULES
        for name in (
            *module_name(path).split("."),
            *(
                node.name.lower()
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.ClassDef | ast.FunctionDef)
            ),
        )
        if FORBIDDEN_NAMES.search(name)
    ]
    assert found == []


def test_jobs_are_short():
    tree = ast.parse((ROOT / "workers" / "jobs.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:]
            lines = body[-1].end_lineno - body[0].lineno + 1
            assert lines <= 10, f"{node.name} has {lines} lines; move what it does into a verb"


def test_migrations_are_numbered_and_linear():
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(ROOT / "migrations"))
    revisions = [each.revision for each in script.walk_revisions()][::-1]
    assert revisions == [f"{n:04}" for n in range(1, len(revisions) + 1)]
    assert len(script.get_heads()) == 1


def test_migrations_create_tables_as_a_cluster_needs_it():
    """`op.create_table` distributes them; a statement of its own would not."""
    for path in sorted((ROOT / "migrations" / "versions").glob("0*.py")):
        if path.name[:4] > "0018":
            assert not re.search(r"create (unlogged )?table", path.read_text(), re.I), path.name


def test_the_tables_are_what_the_models_say(app):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from advocacy.storage.db import db

    with db.engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), db.metadata)
    assert difference == []


def test_a_migration_can_be_undone_and_applied_again(app):
    """A migration can be taken back, and done again."""
    import flask_migrate

    from advocacy.cli.dev.up import MIGRATIONS

    flask_migrate.downgrade(directory=str(MIGRATIONS), revision="base")
    flask_migrate.upgrade(directory=str(MIGRATIONS))


def test_no_test_module_imports_another():
    """What several tests share is in tests/support: a test module can be moved or run alone."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {module}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
        if module.rpartition(".")[2].startswith("test_") or module == "tests.conftest"
    ]
    assert found == []


MOST_ANY = 119
"""Each stands where JSON of others or a library's own signature forces it."""


def test_any_is_rare():
    modules = [path for path in MODULES if path.is_relative_to(ROOT / "advocacy")]
    found = {module_name(path): count_any(path) for path in modules}
    total = sum(found.values())
    most = sorted(found, key=found.__getitem__, reverse=True)[:10]
    assert total <= MOST_ANY, f"{total}: {[(name, found[name]) for name in most]}"


def count_any(path: Path) -> int:
    """Return how often a module writes `Any`, under whatever name it imports it."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module in {"typing", "typing_extensions"}
        for alias in node.names
        if alias.name == "Any"
    }
    return sum(
        (isinstance(node, ast.Name) and node.id in names)
        or (isinstance(node, ast.Attribute) and node.attr == "Any")
        or (isinstance(node, ast.Constant) and node.value == "Any")
        for node in nodes
    )

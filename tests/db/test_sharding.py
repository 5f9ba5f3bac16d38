"""What the page on scaling says of shards, held against the actual schema."""

import re
from pathlib import Path

from db.models import Model

PAGE = (Path(__file__).parents[2] / "docs/scaling.md").read_text().split("## At 1,000 times the load")[1]
DISTRIBUTED = {
    "execution_logs": "workflow_execution_id",
    "execution_counters": "workflow_execution_id",
    "node_executions": "workflow_execution_id",
    "workflow_executions": "id",
    "idempotency_keys": "key",
}
REFERENCE = {"workflows", "nodes", "edges", "api_tokens"}
TO_CHANGE = {"node_execution_attempts"}
"""What the page says needs a column first."""


def test_the_page_says_of_every_table_how_it_is_distributed() -> None:
    assert {*DISTRIBUTED, *REFERENCE, *TO_CHANGE} == set(Model.metadata.tables)
    rows = [row for row in PAGE.splitlines() if row.startswith("| `")]
    for table, key in DISTRIBUTED.items():
        (row,) = (row for row in rows if f"`{table}`" in row)
        assert f"`{key}`" in row.split("|")[2]
    for table in (*REFERENCE, *TO_CHANGE):
        assert any(f"`{table}`" in row for row in rows)


def test_unique_keys_of_distributed_tables_have_the_distribution_key_but_for_the_one_that_the_page_changes() -> None:
    without = set()
    for table, key in DISTRIBUTED.items():
        columns = Model.metadata.tables[table]
        unique = [set(columns.primary_key.columns.keys())]
        unique += [set(index.columns.keys()) for index in columns.indexes if index.unique]
        without |= {table for each in unique if key not in each}
    assert without == {"node_executions"}
    assert re.search(r"key of `node_executions` becomes\s+\(`workflow_execution_id`, `id`\)", PAGE)
    steps = Model.metadata.tables["node_executions"]
    assert {"workflow_execution_id", "id"} in [
        set(constraint.columns.keys())
        for constraint in steps.constraints
        if constraint.__visit_name__ == "unique_constraint"
    ]


def test_foreign_keys_between_distributed_tables_stay_on_one_shard_but_for_those_that_the_page_gives_up() -> None:
    crossing = set()
    for table, key in DISTRIBUTED.items():
        for constraint in Model.metadata.tables[table].foreign_key_constraints:
            target = constraint.referred_table.name
            if target in REFERENCE:
                continue
            pairs = {(element.parent.name, element.column.name) for element in constraint.elements}
            if (key, DISTRIBUTED[target]) not in pairs:
                crossing |= {element.parent.name for element in constraint.elements}
    assert crossing == {"retry_of_id", "parent_node_execution_id"}
    for column in crossing:
        assert f"`{column}`" in PAGE

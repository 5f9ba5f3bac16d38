"""Making definitions, runs and steps: what they come to, what is refused, and that a repetition makes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from db import Database, ExecutionStatus, TriggerType
from db.commands.idempotency import Call, forget_calls, once
from db.commands.node_creation import create_node_executions
from db.commands.workflow_executions import create_workflow_execution
from db.commands.workflows import create_workflow, register_workflow
from db.errors import (
    ExecgraphError,
    IdempotencyConflictError,
    InvalidInputError,
    InvalidTransitionError,
    NotFoundError,
)
from db.filters import NodeExecutionFilter
from db.paging import Page
from db.queries.node_executions import steps_of_runs
from db.queries.workflows import dependencies_of_versions, nodes_of_versions, workflows_by_id
from db.records import WorkflowRecord
from tests.db.builders import (
    CANCELLED,
    COMPLETED,
    FAILED,
    PENDING,
    RUNNING,
    DependencyInput,
    NodeInput,
    Parsed,
    StepInput,
    a_run,
    a_step,
    a_workflow,
    counter_of,
    finish_run,
    nodes_of,
    run_of,
    some_steps,
    step_of,
)

DIAMOND = [NodeInput(key) for key in ("report", "left", "load", "right")]
DIAMOND_EDGES = [
    DependencyInput("load", "left"),
    DependencyInput("load", "right"),
    DependencyInput("left", "report"),
    DependencyInput("right", "report"),
]


@pytest.fixture
def database(shared_database: Database) -> Database:
    """Each test looks only at what it makes."""
    return shared_database


async def refusal(database: Database, work: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
    """Why it is refused."""
    with pytest.raises(ExecgraphError) as refused:
        await database.run(work)
    return refused.value


async def workflow_of(database: Database, workflow_id: UUID) -> WorkflowRecord:
    async with database.reader() as reader:
        [workflow] = await workflows_by_id(reader, [workflow_id])
    assert workflow is not None
    return workflow


async def definition_of(database: Database, workflow_id: UUID, version: int = 1) -> tuple[list[Any], set[Any]]:
    """The nodes of a version, and its dependencies by their keys."""
    async with database.reader() as reader:
        [nodes] = await nodes_of_versions(reader, [(workflow_id, version)])
        [edges] = await dependencies_of_versions(reader, [(workflow_id, version)])
    key_of = {node.id: node.key for node in nodes}
    return (
        [(node.key, node.name, node.node_type, node.config, node.retry_config) for node in map(Parsed, nodes)],
        {(key_of[edge.source_node_id], key_of[edge.target_node_id]) for edge in edges},
    )


async def steps_of(database: Database, run_id: UUID) -> list[Any]:
    async with database.reader() as reader:
        [steps] = await steps_of_runs(reader, [run_id], NodeExecutionFilter(), Page(1000))
    return [Parsed(step) for step in steps.rows]


# Definitions.


async def test_a_definition_is_kept_as_it_is_given(database: Database) -> None:
    node = NodeInput("load", "불러오기", "http", {"url": "https://example.org"}, {"max_retries": 3, "delay": 1})
    workflow_id = await a_workflow(
        database,
        node,
        NodeInput("report"),
        name="추세 추종",
        namespace="research",
        description="",
        dependencies=[DependencyInput("load", "report")],
    )

    workflow = await workflow_of(database, workflow_id)
    assert dict(workflow) == {
        "id": workflow_id,
        "namespace": "research",
        "key": None,
        "version": 1,
        "name": "추세 추종",
        "description": "",
        "created_at": workflow.created_at,
        "updated_at": workflow.updated_at,
    }
    assert await definition_of(database, workflow_id) == (
        [
            ("load", "불러오기", "http", {"url": "https://example.org"}, {"max_retries": 3, "delay": 1}),
            ("report", "report", None, None, None),
        ],
        {("load", "report")},
    )


async def test_creating_always_makes_a_new_definition(database: Database) -> None:
    assert await a_workflow(database, name="Same") != await a_workflow(database, name="Same")


CYCLE = [DependencyInput("a", "b"), DependencyInput("b", "c"), DependencyInput("c", "a")]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"namespace": ""}, "namespace"),
        ({"namespace": "a\x00"}, "namespace"),
        ({"name": ""}, "name"),
        ({"name": "x" * 1_001}, "name"),
        ({"description": "x" * 262_145}, "description"),
        ({"nodes": [NodeInput("a"), NodeInput("")]}, "nodes[1].key"),
        ({"nodes": [NodeInput("a"), NodeInput("a")]}, "nodes[1].key"),
        ({"nodes": [NodeInput("a", name="")]}, "nodes[0].name"),
        ({"nodes": [NodeInput("a", node_type="\ud800")]}, "nodes[0].node_type"),
        ({"nodes": [NodeInput("a", config={"n": 2**64})]}, "nodes[0].config"),
        ({"nodes": [NodeInput("a", retry_config=[])]}, "nodes[0].retry_config"),
        ({"nodes": [NodeInput(str(n)) for n in range(10_001)]}, "nodes"),
        ({"nodes": [NodeInput("a")], "dependencies": [DependencyInput("x", "a")]}, "dependencies[0].source_key"),
        ({"nodes": [NodeInput("a")], "dependencies": [DependencyInput("a", "x")]}, "dependencies[0].target_key"),
        ({"nodes": [NodeInput("a")], "dependencies": [DependencyInput("a", "a")]}, "dependencies"),
        (
            {"nodes": [NodeInput("a"), NodeInput("b")], "dependencies": [DependencyInput("a", "b")] * 2},
            "dependencies[1]",
        ),
        ({"nodes": [NodeInput("a"), NodeInput("b"), NodeInput("c")], "dependencies": CYCLE}, "dependencies"),
    ],
)
@pytest.mark.parametrize("make", [create_workflow, register_workflow])
async def test_a_definition_that_cannot_be_is_refused_with_the_path(
    database: Database, make: Any, values: dict[str, Any], field: str
) -> None:
    key = {"key": uuid4().hex} if make is register_workflow else {}
    arguments = {"namespace": "default", "name": "W", **key, **values}

    error = await refusal(database, lambda session: make(session, **arguments))
    assert (type(error), error.field) == (InvalidInputError, field)


async def test_the_refusal_of_a_cycle_names_it(database: Database) -> None:
    nodes = [NodeInput("a"), NodeInput("b"), NodeInput("c")]

    error = await refusal(
        database,
        lambda session: create_workflow(session, namespace="n", name="W", nodes=nodes, dependencies=CYCLE),
    )
    assert str(error) in {
        f"The dependencies form a cycle: {x}" for x in ("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c")
    }


async def test_a_definition_with_a_client_made_id_is_made_once(database: Database) -> None:
    id_ = uuid7()
    made = [await a_workflow(database, *DIAMOND, id=id_, dependencies=DIAMOND_EDGES) for _ in range(2)]

    assert made == [id_, id_]
    assert len(await nodes_of(database, id_)) == 4


async def test_a_client_made_id_that_is_taken_by_another_definition_is_refused(database: Database) -> None:
    id_ = await a_workflow(database, NodeInput("a"))

    error = await refusal(database, lambda session: create_workflow(session, namespace="n", name="W", id=id_))
    assert (type(error), error.field) == (InvalidInputError, "id")


# Registration.


async def register(database: Database, key: str, *nodes: NodeInput, **values: Any) -> UUID:
    values = {"namespace": "default", "name": "Trend following", **values}
    return await database.run(lambda session: register_workflow(session, key=key, nodes=nodes, **values))


async def test_an_equal_definition_is_what_is_there_whatever_the_order_of_its_parts(database: Database) -> None:
    key = uuid4().hex
    first = await register(database, key, *DIAMOND, dependencies=DIAMOND_EDGES)
    before = await workflow_of(database, first)
    second = await register(database, key, *reversed(DIAMOND), dependencies=DIAMOND_EDGES[::-1])

    assert second == first
    assert await workflow_of(database, first) == before
    assert (before.key, before.version) == (key, 1)


@pytest.mark.parametrize(
    ("node", "values"),
    [
        (NodeInput("load"), {"name": "Renamed"}),
        (NodeInput("load"), {"description": "Described"}),
        (NodeInput("store"), {}),
        (NodeInput("load", name="Load"), {}),
        (NodeInput("load", node_type="http"), {}),
        (NodeInput("load", config={}), {}),
        (NodeInput("load", retry_config={"max_retries": 1}), {}),
    ],
)
async def test_a_changed_definition_becomes_the_next_version_and_the_old_nodes_stay(
    database: Database, node: NodeInput, values: dict[str, str]
) -> None:
    key = uuid4().hex
    first = await register(database, key, NodeInput("load"))
    old = await nodes_of(database, first, 1)
    second = await register(database, key, node, **values)

    workflow = await workflow_of(database, second)
    assert (second, workflow.version, workflow.name) == (first, 2, values.get("name", "Trend following"))
    assert await nodes_of(database, first, 1) == old
    assert len(await nodes_of(database, first, 2)) == 1


async def test_a_changed_dependency_is_a_changed_definition(database: Database) -> None:
    key = uuid4().hex
    await register(database, key, NodeInput("a"), NodeInput("b"))
    workflow_id = await register(
        database, key, NodeInput("a"), NodeInput("b"), dependencies=[DependencyInput("a", "b")]
    )

    assert (await workflow_of(database, workflow_id)).version == 2
    assert [(await definition_of(database, workflow_id, version))[1] for version in (1, 2)] == [set(), {("a", "b")}]


async def test_going_back_to_an_old_definition_is_a_new_version(database: Database) -> None:
    key = uuid4().hex
    for node in ("a", "b", "a"):
        workflow_id = await register(database, key, NodeInput(node))

    assert (await workflow_of(database, workflow_id)).version == 3


async def test_a_key_is_of_its_namespace(database: Database) -> None:
    key = uuid4().hex

    assert await register(database, key) != await register(database, key, namespace="research")


async def test_registrations_at_once_make_one_version(database: Database) -> None:
    key = uuid4().hex
    firsts = await asyncio.gather(*(register(database, key, *DIAMOND) for _ in range(10)))
    seconds = await asyncio.gather(*(register(database, key, NodeInput("only")) for _ in range(10)))

    assert len({*firsts, *seconds}) == 1
    assert (await workflow_of(database, firsts[0])).version == 2
    assert [len(await nodes_of(database, firsts[0], version)) for version in (1, 2)] == [4, 1]


async def test_a_run_keeps_the_version_that_it_was_made_with(database: Database) -> None:
    key = uuid4().hex
    workflow_id = await register(database, key, NodeInput("a"))
    old = await a_run(database, workflow_id=workflow_id, create_node_executions=True)
    await register(database, key, NodeInput("b"), NodeInput("c"))
    new = await a_run(database, workflow_id=workflow_id, create_node_executions=True)
    chosen = await a_run(database, workflow_id=workflow_id, workflow_version=1, create_node_executions=True)

    runs = [old, new, chosen]
    assert [(await run_of(database, run_id)).workflow_version for run_id in runs] == [1, 2, 1]
    assert [[step.name for step in await steps_of(database, run_id)] for run_id in runs] == [["a"], ["b", "c"], ["a"]]


# Runs.


async def test_a_run_is_kept_as_it_is_given(database: Database) -> None:
    workflow_id = await a_workflow(database, namespace="research")
    origin = await a_run(database, workflow_id=workflow_id)
    parent = await a_step(database, await a_run(database, RUNNING))
    run_id = await database.run(
        lambda session: create_workflow_execution(
            session,
            workflow_id=workflow_id,
            trigger_type=TriggerType.SCHEDULE,
            parent_node_execution_id=parent,
            retry_of_id=origin,
            input_data={"market": "KOSPI"},
            context=[1],
            metadata={"team": "퀀트"},
        )
    )

    run = await run_of(database, run_id)
    times = {"created_at": run.created_at, "updated_at": run.updated_at}
    assert run_id.version == 7
    assert vars(run) == {
        "id": run_id,
        "namespace": "research",
        "workflow_id": workflow_id,
        "workflow_version": 1,
        "retry_of_id": origin,
        "parent_node_execution_id": parent,
        "status": "pending",
        "trigger_type": "schedule",
        "revision": 1,
        "input_data": {"market": "KOSPI"},
        "output_data": None,
        "context": [1],
        "metadata_": {"team": "퀀트"},
        "error_message": None,
        "started_at": None,
        "ended_at": None,
        "duration_seconds": None,
        **times,
    }


async def test_a_run_may_begin_with_a_step_for_each_node_in_dependency_order(database: Database) -> None:
    workflow_id = await a_workflow(database, *DIAMOND, dependencies=DIAMOND_EDGES)
    run_id = await a_run(database, workflow_id=workflow_id, create_node_executions=True)

    assert [
        (step.execution_order, step.name, step.status, step.revision) for step in await steps_of(database, run_id)
    ] == [
        (1, "load", "pending", 2),
        (2, "left", "pending", 3),
        (3, "right", "pending", 4),
        (4, "report", "pending", 5),
    ]
    assert (await counter_of(database, run_id))["revision"] == 5


async def test_a_run_of_a_definition_without_nodes_has_no_steps(database: Database) -> None:
    assert await steps_of(database, await a_run(database, create_node_executions=True)) == []


@pytest.mark.parametrize(
    ("values", "error_type", "field"),
    [
        ({"workflow_id": uuid4()}, NotFoundError, None),
        ({"parent_node_execution_id": uuid4()}, NotFoundError, None),
        ({"retry_of_id": uuid4()}, InvalidInputError, "retry_of_id"),
        ({"workflow_version": 0}, InvalidInputError, "workflow_version"),
        ({"workflow_version": 2}, InvalidInputError, "workflow_version"),
        ({"workflow_version": 2**31}, InvalidInputError, "workflow_version"),
        ({"id": uuid4()}, InvalidInputError, "id"),
        ({"input_data": "\x00"}, InvalidInputError, "input_data"),
        ({"context": {"a": 2**64}}, InvalidInputError, "context"),
        ({"metadata": "\ud800"}, InvalidInputError, "metadata"),
    ],
)
async def test_a_run_that_cannot_be_is_refused(
    database: Database, values: dict[str, Any], error_type: type[ExecgraphError], field: str | None
) -> None:
    arguments = {"workflow_id": await a_workflow(database), "trigger_type": TriggerType.MANUAL, **values}

    error = await refusal(database, lambda session: create_workflow_execution(session, **arguments))
    assert (type(error), getattr(error, "field", None)) == (error_type, field)


async def test_a_run_with_a_client_made_id_is_made_once_and_repeating_gives_it_as_it_is(database: Database) -> None:
    workflow_id = await a_workflow(database)
    values = {"id": uuid7(), "workflow_id": workflow_id, "input_data": {"b": 1, "a": [2]}}
    made = await a_run(database, COMPLETED, **values)
    values["input_data"] = {"a": [2], "b": 1}

    assert await a_run(database, **values) == made == values["id"]
    assert (await run_of(database, made)).status == COMPLETED


async def test_repeating_after_the_definition_changed_gives_the_run_of_the_old_version(database: Database) -> None:
    key = uuid4().hex
    values = {"id": uuid7(), "workflow_id": await register(database, key)}
    made = await a_run(database, **values)
    await register(database, key, NodeInput("new"))

    assert await a_run(database, **values) == made
    assert (await run_of(database, made)).workflow_version == 1


@pytest.mark.parametrize(
    "values",
    [
        {"input_data": 1.0},
        {"context": 1},
        {"metadata": 1},
        {"trigger_type": TriggerType.EVENT},
        {"create_node_executions": True},
        {"workflow_version": 1},
    ],
)
async def test_a_client_made_id_that_is_taken_by_another_run_is_refused(
    database: Database, values: dict[str, Any]
) -> None:
    first = {"id": uuid7(), "workflow_id": await a_workflow(database), "trigger_type": "manual", "input_data": 1}
    await a_run(database, **first)

    error = await refusal(database, lambda session: create_workflow_execution(session, **{**first, **values}))
    assert (type(error), error.field) == (InvalidInputError, "id")


async def test_the_same_run_created_by_many_at_once_is_made_once(database: Database) -> None:
    values = {"id": uuid7(), "workflow_id": await a_workflow(database, *DIAMOND), "create_node_executions": True}

    assert await asyncio.gather(*(a_run(database, **values) for _ in range(10))) == [values["id"]] * 10
    assert len(await steps_of(database, values["id"])) == 4


# Steps.


async def test_a_step_is_kept_as_it_is_given(database: Database) -> None:
    workflow_id = await a_workflow(database, NodeInput("load", "Load"))
    [node_id] = await nodes_of(database, workflow_id)
    run_id = await a_run(database, RUNNING, workflow_id=workflow_id)
    group, part = uuid7(), uuid7()
    made = await some_steps(
        database,
        run_id,
        StepInput(None, 7, id=part, node_id=node_id, key="part", parent_id=group, input_data={"n": 1}),
        StepInput("Group", 0, id=group),
    )

    step = await step_of(database, part)
    assert made == [part, group]
    assert vars(step) == {
        "id": part,
        "workflow_execution_id": run_id,
        "node_id": node_id,
        "parent_id": group,
        "key": "part",
        "name": "Load",
        "status": "pending",
        "execution_order": 7,
        "revision": 3,
        "retry_count": 0,
        "can_retry": False,
        "input_data": {"n": 1},
        "output_data": None,
        "error_message": None,
        "created_at": step.created_at,
        "updated_at": step.updated_at,
        "started_at": None,
        "ended_at": None,
        "duration_seconds": None,
    }
    assert (await step_of(database, group)).revision == 4


async def test_a_steps_own_name_goes_before_its_nodes(database: Database) -> None:
    workflow_id = await a_workflow(database, NodeInput("load", "Load"))
    [node_id] = await nodes_of(database, workflow_id)
    run_id = await a_run(database, workflow_id=workflow_id)

    assert (await step_of(database, await a_step(database, run_id, name="Load 2", node_id=node_id))).name == "Load 2"


async def test_a_node_may_run_several_times_in_one_run(database: Database) -> None:
    workflow_id = await a_workflow(database, NodeInput("load"))
    [node_id] = await nodes_of(database, workflow_id)
    run_id = await a_run(database, workflow_id=workflow_id)
    await some_steps(database, run_id, *(StepInput(node_id=node_id) for _ in range(3)))

    assert len(await steps_of(database, run_id)) == 3


@pytest.mark.parametrize("status", [COMPLETED, FAILED, CANCELLED])
async def test_no_step_is_added_to_a_finished_run(database: Database, status: ExecutionStatus) -> None:
    run_id = await a_run(database, status)

    error = await refusal(database, lambda session: create_node_executions(session, run_id, [StepInput()]))
    assert (type(error), str(error), error.id, error.from_, error.attempted, error.allowed) == (
        InvalidTransitionError,
        f"Cannot create node executions: the execution is in status {status}",
        run_id,
        status,
        "create",
        (PENDING, RUNNING),
    )


async def test_steps_of_an_unknown_run_are_not_found(database: Database) -> None:
    unknown = uuid4()

    error = await refusal(database, lambda session: create_node_executions(session, unknown, [StepInput()]))
    assert (type(error), error.id) == (NotFoundError, unknown)


ONE, TWO = uuid7(), uuid7()


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([], "node_executions"),
        ([StepInput()] * 10_001, "node_executions"),
        ([StepInput(), StepInput(None)], "node_executions[1]"),
        ([StepInput("")], "node_executions[0].name"),
        ([StepInput(key="x" * 1_001)], "node_executions[0].key"),
        ([StepInput(execution_order=-1)], "node_executions[0].execution_order"),
        ([StepInput(execution_order=2**31)], "node_executions[0].execution_order"),
        ([StepInput(input_data=[2**64])], "node_executions[0].input_data"),
        ([StepInput(id=ONE), StepInput(id=ONE)], "node_executions[1].id"),
        ([StepInput(key="k"), StepInput(key="k")], "node_executions[1].key"),
        ([StepInput(), StepInput(node_id=uuid4())], "node_executions[1].node_id"),
        ([StepInput(), StepInput(parent_id=uuid4())], "node_executions[1].parent_id"),
        ([StepInput(id=ONE, parent_id=ONE)], "node_executions"),
        ([StepInput(id=ONE, parent_id=TWO), StepInput(id=TWO, parent_id=ONE)], "node_executions"),
    ],
)
async def test_steps_that_cannot_be_are_refused_with_the_path_and_none_is_made(
    database: Database, steps: list[StepInput], field: str
) -> None:
    run_id = await a_run(database)

    error = await refusal(database, lambda session: create_node_executions(session, run_id, steps))
    assert (type(error), error.field) == (InvalidInputError, field)
    assert await steps_of(database, run_id) == []


@pytest.mark.parametrize("whose", ["another workflow", "another version"])
async def test_a_node_of_something_else_is_refused(database: Database, whose: str) -> None:
    key = uuid4().hex
    workflow_id = await register(database, key, NodeInput("load"))
    [node_id] = await nodes_of(database, workflow_id)
    if whose == "another version":
        await register(database, key, NodeInput("store"))
    run_id = await a_run(database, **({"workflow_id": workflow_id} if whose == "another version" else {}))

    error = await refusal(
        database, lambda session: create_node_executions(session, run_id, [StepInput(node_id=node_id)])
    )
    assert (type(error), error.field) == (InvalidInputError, "node_executions[0].node_id")


async def test_a_parent_in_another_run_is_refused(database: Database) -> None:
    parent = await a_step(database, await a_run(database))
    run_id = await a_run(database)

    error = await refusal(
        database, lambda session: create_node_executions(session, run_id, [StepInput(parent_id=parent)])
    )
    assert (type(error), error.field) == (InvalidInputError, "node_executions[0].parent_id")


@pytest.mark.parametrize(
    "values", [{"id": ONE}, {"key": "load"}, {"id": ONE, "key": "load"}], ids=["id", "key", "both"]
)
@pytest.mark.parametrize("finished", [False, True], ids=["unfinished run", "finished run"])
async def test_a_step_is_made_once_and_repeating_gives_it_as_it_is(
    database: Database, values: dict[str, Any], finished: bool
) -> None:
    values = {**values, **({"id": uuid7()} if "id" in values else {}), "input_data": [1]}
    run_id = await a_run(database, RUNNING)
    made = await a_step(database, run_id, FAILED, **values)
    if finished:
        await finish_run(database, run_id, COMPLETED)
    before = await counter_of(database, run_id)

    assert await a_step(database, run_id, **values) == made
    assert (await step_of(database, made)).status == FAILED
    assert await counter_of(database, run_id) == before


async def test_repeating_some_and_adding_others_makes_the_others(database: Database) -> None:
    run_id = await a_run(database)
    [first] = await some_steps(database, run_id, StepInput(key="first"))
    made = await some_steps(database, run_id, StepInput(key="second"), StepInput(key="first"))

    assert made[1] == first
    assert {step.key for step in await steps_of(database, run_id)} == {"first", "second"}


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        (StepInput(id=ONE), StepInput("Other", id=ONE), "id"),
        (StepInput(id=ONE), StepInput(id=ONE, key="k"), "id"),
        (StepInput(id=ONE), StepInput(id=ONE, execution_order=2), "id"),
        (StepInput(key="k"), StepInput(key="k", input_data=1), "key"),
        (StepInput(key="k"), StepInput(key="k", id=TWO), "key"),
    ],
)
async def test_an_id_or_key_that_is_taken_by_another_step_is_refused(
    database_url: str, first: StepInput, second: StepInput, field: str
) -> None:
    async with Database(database_url) as database:
        run_id = await a_run(database)
        await some_steps(database, run_id, first)

        error = await refusal(database, lambda session: create_node_executions(session, run_id, [second]))
        assert (type(error), error.field) == (InvalidInputError, field)


async def test_an_id_that_is_taken_in_another_run_is_refused(database: Database) -> None:
    id_ = uuid7()
    await a_step(database, await a_run(database), id=id_)
    run_id = await a_run(database)

    error = await refusal(database, lambda session: create_node_executions(session, run_id, [StepInput(id=id_)]))
    assert (type(error), error.field) == (InvalidInputError, "id")


async def test_a_key_is_of_its_run(database: Database) -> None:
    steps = [await a_step(database, await a_run(database), key="load") for _ in range(2)]

    assert steps[0] != steps[1]


async def test_the_same_steps_created_by_many_at_once_are_made_once(database: Database) -> None:
    run_id = await a_run(database)
    steps = [StepInput(key=f"{n}") for n in range(5)]
    made = await asyncio.gather(*(some_steps(database, run_id, *steps) for _ in range(10)))

    assert made == [made[0]] * 10
    assert {step.id for step in await steps_of(database, run_id)} == set(made[0])


# Calls that are done once.


def call(key: str, arguments: bytes = b"1", *, caller: str = "engine", mutation: str = "createWorkflow") -> Call:
    return Call(caller, mutation, key, arguments)


async def create_once(database: Database, the_call: Call, name: str = "Once") -> str:
    async def work(session: AsyncSession) -> str:
        async def create() -> str:
            return str(await create_workflow(session, namespace="default", name=name))

        result: str = await once(session, the_call, create)
        return result

    return await database.run(work)


async def test_a_repeated_call_does_nothing_and_gives_the_same(database: Database) -> None:
    key = uuid4().hex

    assert await create_once(database, call(key)) == await create_once(database, call(key))


async def test_calls_at_once_do_it_once_and_all_get_the_result(database: Database) -> None:
    key = uuid4().hex
    made = await asyncio.gather(*(create_once(database, call(key)) for _ in range(10)))

    assert len(set(made)) == 1


async def test_a_key_with_other_arguments_is_a_conflict(database: Database) -> None:
    key = uuid4().hex
    await create_once(database, call(key))

    with pytest.raises(IdempotencyConflictError) as refused:
        await create_once(database, call(key, b"2"))

    assert refused.value.key == key


@pytest.mark.parametrize("other", [{"caller": "another"}, {"mutation": "registerWorkflow"}])
async def test_a_key_is_of_its_caller_and_mutation(database: Database, other: dict[str, str]) -> None:
    key = uuid4().hex

    assert await create_once(database, call(key)) != await create_once(database, call(key, b"2", **other))


async def test_a_refused_call_is_not_remembered(database: Database) -> None:
    key = uuid4().hex
    with pytest.raises(InvalidInputError):
        await create_once(database, call(key), name="")

    assert UUID(await create_once(database, call(key, b"2")))


async def test_a_call_that_changed_nothing_is_evaluated_again(database: Database) -> None:
    key, results = uuid4().hex, iter(["first", "second"])

    async def give() -> str:
        return next(results)

    given = [await database.run(lambda session: once(session, call(key), give)) for _ in range(2)]
    assert given == ["first", "second"]


async def test_old_calls_are_forgotten_some_at_a_time(database_url: str) -> None:
    async with Database(database_url) as database:
        for number in range(5):
            await create_once(database, call(f"{number}"))
        await database.run(
            lambda session: session.execute(
                text("UPDATE idempotency_keys SET created_at = created_at - interval '2 days' WHERE key < '3'")
            )
        )
        forgotten = [await database.run(lambda session: forget_calls(session, timedelta(days=1), 2)) for _ in range(3)]

        assert forgotten == [2, 1, 0]
        with pytest.raises(IdempotencyConflictError):
            await create_once(database, call("4", b"2"))

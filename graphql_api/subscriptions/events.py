"""Answering the events of a subscription: one that many get alike is executed and written once for all of them."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Hashable, Iterator
from contextlib import aclosing
from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    Node,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution import Executor

from graphql_api.answer import Answer, answer
from graphql_api.context import Context
from graphql_api.errors import UNAVAILABLE, public_errors

TRIES = 8
"""How often an event is executed while the database is away for a while; about ten seconds in all."""


class Events:
    """The answers to the events of one subscription.

    What an event's answer depends on, besides the event, is the document, the variables that are used below the
    root field, and who asks. Subscribers who have these in common, and get the same event, get the same answer.
    """

    def __init__(
        self,
        executor: Executor[Any],
        context: Context,
        document: DocumentNode,
        query: str,
        variables: dict[str, Any] | None,
    ) -> None:
        self._executor = executor
        self._context = context
        self._key = self._key_of(document, query, variables or {})

    async def answers(self, source: AsyncIterable[Any]) -> AsyncGenerator[Answer, None]:
        """The answer to each event. Ends after one without data: with the next one the client would miss something."""
        async with aclosing(cast("AsyncGenerator[Any, None]", source)) as events:
            async for event in events:
                made: Answer = await self._answer(event)
                yield made
                if made.last:
                    return

    async def _answer(self, event: Any) -> Answer:
        shared: dict[Hashable, Any] = event.shared
        task = shared.get(self._key)
        if task is None:
            # A task of its own: whoever began it may leave, and the others still want it.
            task = shared[self._key] = asyncio.create_task(self._execute(event))
        if task.done():
            return cast("Answer", task.result())
        return cast("Answer", await asyncio.shield(task))

    async def _execute(self, event: Any) -> Answer:
        for tried in range(1, TRIES + 1):
            executor = self._executor.build_per_event_executor(event)
            executor.context_value = self._context.for_operation()
            executed = executor.execute_operation(False)
            result = cast("ExecutionResult", await executed if isinstance(executed, Awaitable) else executed)
            if not result.errors:
                return answer(result)
            errors = public_errors(result.errors)
            if tried == TRIES or all((error.extensions or {}).get("code") != UNAVAILABLE for error in errors):
                return answer(ExecutionResult(result.data, errors))
            await asyncio.sleep(min(0.05 * 2**tried, 2.0))
        raise AssertionError("unreachable")

    def _key_of(self, document: DocumentNode, query: str, variables: dict[str, Any]) -> Hashable:
        used = set(_variables_of_answers(document, self._executor.operation))
        values = {name: variables[name] for name in sorted(used & variables.keys())}
        name = self._executor.operation.name
        return query, name and name.value, json.dumps(values, sort_keys=True), self._context.audience


def _variables_of_answers(document: DocumentNode, operation: OperationDefinitionNode) -> Iterator[str]:
    """The variables used anywhere but in the arguments of the root field, which select the events."""
    for selection in operation.selection_set.selections:
        if isinstance(selection, FieldNode):
            yield from _variables(selection.directives or ())
            yield from _variables((selection.selection_set,) if selection.selection_set else ())
        else:
            yield from _variables((selection,))
    yield from _variables(node for node in document.definitions if node is not operation)


def _variables(nodes: Any) -> Iterator[str]:
    found: list[str] = []

    class Collect(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            found.append(node.name.value)

    for node in nodes:
        visit(cast("Node", node), Collect())
    yield from found

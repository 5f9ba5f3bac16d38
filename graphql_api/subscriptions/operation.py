"""A subscription from its beginning to its end, over whatever transport."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable
from contextlib import aclosing
from typing import Any, cast

from graphql import ExecutionResult, GraphQLError, GraphQLSchema
from graphql.execution import Executor
from graphql.execution.execute import create_source_event_stream
from strawberry.types.execution import ExecutionContext

from graphql_api.answer import Answer, answer, refusal
from graphql_api.context import Context
from graphql_api.errors import TooManyError, public_errors
from graphql_api.subscriptions.events import Events


async def subscribe(
    schema: GraphQLSchema, executor_class: type[Executor[Any]], prepared: ExecutionContext, context: Context
) -> AsyncGenerator[Answer, None]:
    """The answers of a subscription, which is one of the process's subscribers as long as it is under way."""
    try:
        admitted = context.subscribers.admit(context)
    except TooManyError as error:
        yield refusal(public_errors([error]))
        return
    with admitted as subscriber:
        try:
            async with aclosing(_answers(schema, executor_class, prepared, context)) as answers:
                async for each in answers:
                    yield each
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if subscriber.ended_by is None or task is None:
                raise
            task.uncancel()
            yield _ended(subscriber.ended_by)
        except Exception as error:
            yield _ended(error)


async def _answers(
    schema: GraphQLSchema, executor_class: type[Executor[Any]], prepared: ExecutionContext, context: Context
) -> AsyncGenerator[Answer, None]:
    assert prepared.query is not None
    assert prepared.graphql_document is not None
    executor = executor_class.build(
        schema,
        prepared.graphql_document,
        context_value=context,
        raw_variable_values=prepared.variables,
        operation_name=prepared.operation_name,
    )
    if isinstance(executor, list):
        yield refusal(public_errors(executor))
        return
    source: Any = create_source_event_stream(executor)
    if isinstance(source, Awaitable):
        source = await source
    if isinstance(source, ExecutionResult):
        yield refusal(public_errors(source.errors or []))
        return
    events = Events(executor, context, prepared.graphql_document, prepared.query, prepared.variables)
    async with aclosing(events.answers(cast("AsyncIterable[Any]", source))) as answers:
        async for each in answers:
            yield each


def _ended(error: Exception) -> Answer:
    wrapped = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
    return answer(ExecutionResult(None, public_errors([wrapped])))

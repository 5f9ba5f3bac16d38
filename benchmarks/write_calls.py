"""The reports that are measured, as each of the two endpoints wants them, and a client that costs next to nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from secrets import token_hex
from typing import Any

import orjson

KEY_PLACE = "0123456789abcdef-key"
"""Where the idempotency key goes, which is of the same length."""
_STEP = "... on NodeExecution { id status revision startedAt endedAt }"
_RUN = "... on WorkflowExecution { id status revision createdAt startedAt endedAt }"
_SIGNATURES = {
    "createWorkflow": ({"input": "CreateWorkflowInput!"}, "... on Workflow { id }"),
    "createWorkflowExecution": ({"input": "CreateWorkflowExecutionInput!"}, _RUN),
    "startWorkflowExecution": ({"id": "UUID!"}, _RUN),
    "completeWorkflowExecution": ({"id": "UUID!"}, _RUN),
    "createNodeExecutions": (
        {"workflowExecutionId": "UUID!", "nodeExecutions": "[CreateNodeExecutionInput!]!"},
        "... on CreateNodeExecutionsPayload { nodeExecutions { id status revision } }",
    ),
    "startNodeExecution": ({"id": "UUID!"}, _STEP),
    "completeNodeExecution": ({"id": "UUID!"}, _STEP),
    "transitionNodeExecutions": (
        {"transitions": "[NodeTransitionInput!]!"},
        f"... on TransitionNodeExecutionsPayload {{ results {{ __typename {_STEP} }} }}",
    ),
    "appendLogs": (
        {"workflowExecutionId": "UUID!", "entries": "[LogEntryInput!]!"},
        "... on AppendLogsPayload { count firstSequence lastSequence }",
    ),
}
_DOCUMENTS = {
    name: f"mutation ({', '.join(f'${argument}: {kind}' for argument, kind in types.items())}, $idempotencyKey: String)"
    f" {{ {name}({', '.join(f'{argument}: ${argument}' for argument in types)}, idempotencyKey: $idempotencyKey)"
    f" {{ __typename {fields} }} }}"
    for name, (types, fields) in _SIGNATURES.items()
}
_NUMBERS = count()
_RUN_OF_THE_BENCHMARK = token_hex(4)


@dataclass(frozen=True, slots=True)
class Call:
    """A report that is ready to be sent, but for its idempotency key."""

    mutation: str
    arguments: Mapping[str, Any]


class Api:
    """Ours."""

    name = "API"

    def __init__(self, port: int) -> None:
        self.port = port

    def request(self, call: Call) -> tuple[str, dict[str, Any]]:
        """The path and the body, with `KEY_PLACE` for the key."""
        variables = {**call.arguments, "idempotencyKey": KEY_PLACE}
        return "/graphql", {"query": _DOCUMENTS[call.mutation], "variables": variables}

    def read(self, call: Call, body: bytes) -> Any:
        """The result, which has to be what was asked for."""
        answer = orjson.loads(body)
        result = answer.get("data") and answer["data"][call.mutation]
        if not result or "message" in result or answer.get("errors"):
            raise RuntimeError(f"{call.mutation}: {body[:500]!r}")
        return result.get("nodeExecutions", result.get("results", result))


class Handwritten:
    """The one to compare with."""

    name = "by hand"

    def __init__(self, port: int) -> None:
        self.port = port

    def request(self, call: Call) -> tuple[str, dict[str, Any]]:
        """The path and the body, with `KEY_PLACE` for the key."""
        return f"/write/{call.mutation}", {**call.arguments, "idempotencyKey": KEY_PLACE}

    def read(self, call: Call, body: bytes) -> Any:
        """The result."""
        answer = orjson.loads(body)
        if "data" not in answer:
            raise RuntimeError(f"{call.mutation}: {body[:500]!r}")
        return answer["data"]


Endpoint = Api | Handwritten


def prepared(endpoint: Endpoint, call: Call) -> bytes:
    """A request as it is sent, but for its key."""
    path, content = endpoint.request(call)
    body = orjson.dumps(content)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def keyed(request: bytes) -> bytes:
    """The request with a key that no other one has."""
    key = f"{_RUN_OF_THE_BENCHMARK}{next(_NUMBERS):012x}"
    return request.replace(KEY_PLACE.encode(), key.encode(), 1)


class Connection:
    """One client's connection."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __aenter__(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._endpoint.port, limit=2**24)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def send(self, request: bytes) -> bytes:
        """Send a prepared request under a new key; gives the body of the answer."""
        self._writer.write(keyed(request))
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await self._reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{head!r} {body[:500]!r}")
        return body

    async def ask(self, call: Call) -> Any:
        """Send a call and read its result."""
        return self._endpoint.read(call, await self.send(prepared(self._endpoint, call)))


def entries(count_: int, steps: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Entries as engines write them, of these steps in turn."""
    return [
        {
            "level": ("INFO", "INFO", "DEBUG", "WARNING")[place % 4],
            "message": f"Processed partition {place} of the daily batch: 10,000 rows in 1.73 s",
            "data": {"partition": place, "rows": 10_000, "host": "worker-7"},
            "timestamp": "2026-01-12T12:00:00.123456+00:00",
            "nodeExecutionId": steps[place % len(steps)] if steps else None,
        }
        for place in range(count_)
    ]

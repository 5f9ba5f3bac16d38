"""A workflow as an engine sees it: Python functions and what they need of each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from api_errors import JsonObject


@dataclass(frozen=True, slots=True)
class Call:
    """What a step's function is called with."""

    parameters: Mapping[str, Any]  # the run's
    inputs: Mapping[str, Any]  # the values of the steps it needs, by their keys
    attempt: int  # 1 for the first try


@dataclass(frozen=True, slots=True)
class Result:
    """What a step's function returns."""

    value: Any  # for the steps that need this one; stays in the engine
    report: JsonObject  # for people: the step's recorded output


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failed step is tried again, and after how many seconds."""

    max_retries: int = 0
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a function that runs when the steps it needs have completed. It may raise."""

    key: str
    name: str
    kind: str
    function: Callable[[Call], Result]
    needs: tuple[str, ...] = ()
    retry: Retry = field(default_factory=Retry)


@dataclass(frozen=True, slots=True)
class StepGraph:
    """A named, acyclic graph of steps with unique keys."""

    name: str
    description: str
    steps: tuple[Step, ...]

    def needs(self) -> dict[str, tuple[str, ...]]:
        """Each step's needs by its key, as `graphlib.TopologicalSorter` takes them."""
        return {step.key: step.needs for step in self.steps}

    def definition(self, namespace: str) -> JsonObject:
        """The graph as a CreateWorkflowInput."""
        return {
            "namespace": namespace,
            "name": self.name,
            "description": self.description,
            "nodes": [
                {
                    "key": step.key,
                    "name": step.name,
                    "nodeType": step.kind,
                    "retryConfig": {"max_retries": step.retry.max_retries, "delay": step.retry.delay},
                }
                for step in self.steps
            ],
            "dependencies": [{"sourceKey": need, "targetKey": step.key} for step in self.steps for need in step.needs],
        }

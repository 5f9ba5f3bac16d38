"""An executor that completes lists breadth-first. It knows nothing of what the schema is about. See README.md."""

from graphql_api.executor.executor import BreadthFirstExecutor
from graphql_api.executor.leaves import plain_if
from graphql_api.executor.relations import batched, by_class, column, reads
from graphql_api.executor.repeated import Repeated

__all__ = ["BreadthFirstExecutor", "Repeated", "batched", "by_class", "column", "plain_if", "reads"]

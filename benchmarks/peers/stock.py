"""execgraph with the stock executor."""

from graphql_api.cli import main
from graphql_api.executor import BreadthFirstExecutor

if __name__ == "__main__":
    BreadthFirstExecutor.stock = True
    main()

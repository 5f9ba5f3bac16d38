"""The names of things in Python and in GraphQL."""

import re

_UNDERSCORE = re.compile(r"_([a-z0-9])")


def camel_case_path(path: str) -> str:
    """The GraphQL spelling of a path: `entries[17].node_execution_id` is `entries[17].nodeExecutionId`."""
    return _UNDERSCORE.sub(lambda match: match[1].upper(), path)

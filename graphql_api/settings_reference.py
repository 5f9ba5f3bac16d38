"""The reference of all settings, written from the settings themselves."""

from enum import StrEnum
from typing import Any

from pydantic.fields import FieldInfo

from graphql_api.settings import Settings

INTRODUCTION = """\
# Configuration

All settings come from the environment. This page is what `execgraph settings` prints.

| variable | default | meaning |
|---|---|---|
"""


def variable_of(name: str, field: FieldInfo) -> str:
    """The environment variable that sets a field."""
    return str(field.validation_alias or f"EXECGRAPH_{name.upper()}")


def settings_reference() -> str:
    """All settings as a page of Markdown."""
    rows = (
        f"| `{variable_of(name, field)}` | {_default(field.default)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    return INTRODUCTION + "".join(rows)


def _default(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value.value if isinstance(value, StrEnum) else value}`"

"""The database's history: Alembic revisions, each with its way back."""

from pathlib import Path
from typing import Any

from alembic.config import Config

OPTIONAL = {"ix_workflow_executions_message_trigrams"}
"""What revisions make where PostgreSQL can: the models do not know of it."""


def alembic_config() -> Config:
    """The configuration that works from a checkout and from an installed wheel alike."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def concerns_models(_: Any, name: str | None, *__: Any) -> bool:
    """Whether a difference in this object is one between database and models; Alembic's `include_object`."""
    return name not in OPTIONAL

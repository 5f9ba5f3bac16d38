"""The database's history: Alembic revisions, each with its way back."""

from pathlib import Path

from alembic.config import Config


def alembic_config() -> Config:
    """The configuration that works from a checkout and from an installed wheel alike."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config

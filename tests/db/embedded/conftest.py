"""Places that the server's account can reach: pytest's own temporary folders are closed to it under root."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from db.embedded import EmbeddedPostgres
from tests.db.embedded.embedded_owners import FAST, User, eventually, processes_of


@contextmanager
def new_place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="execgraph-test-", dir="/tmp")).resolve()
    folder.chmod(0o755)
    yield folder
    eventually(lambda: not processes_of(folder))
    shutil.rmtree(folder)


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder."""
    with new_place() as folder:
        yield folder


@pytest.fixture(scope="session")
def shared_place() -> Iterator[Path]:
    with new_place() as folder:
        yield folder


@pytest.fixture(scope="session")
def shared_data_dir(shared_place: Path) -> Path:
    with EmbeddedPostgres(shared_place / "data", settings=FAST):
        return shared_place / "data"


@pytest.fixture
def made(shared_data_dir: Path) -> Iterator[Path]:
    """A data folder with a cluster, which no server uses; tests leave it as they found it."""
    yield shared_data_dir
    eventually(lambda: not processes_of(shared_data_dir))


@pytest.fixture(scope="session", params=["ourselves", "an ordinary user"])
def user(request: pytest.FixtureRequest, shared_place: Path) -> User:
    return User.ourselves() if request.param == "ourselves" else User.ordinary(shared_place / "home")


@pytest.fixture
def data_dir(user: User, shared_place: Path, made: Path) -> Iterator[Path]:
    """The user's own data folder; a cluster is in it once he has had a server."""
    folder = shared_place / "home" / "data" if user.name else made
    yield folder
    eventually(lambda: not processes_of(folder))

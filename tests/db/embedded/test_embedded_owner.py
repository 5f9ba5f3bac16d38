"""However its owner ends, the server ends in order and leaves nothing."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg

from db.embedded import EmbeddedPostgres
from tests.db.embedded.embedded_owners import FAST, LIMIT, User, eventually, processes_of, server_of, sockets_of


def test_a_killed_owner_leaves_no_process_and_no_socket(user: User, data_dir: Path) -> None:
    with user.own(data_dir) as owner:
        _, url = server_of(owner)
        owner.kill()
    eventually(lambda: not processes_of(data_dir, sockets_of(url)))
    eventually(lambda: not sockets_of(url).exists())
    assert "database system is shut down" in (data_dir / "server.log").read_text()


def test_ctrl_c_reaches_the_owner_alone_who_stops_the_server(user: User, data_dir: Path) -> None:
    with user.own(data_dir) as owner:
        pid, url = server_of(owner)
        assert {os.getpgid(pid), os.getsid(pid)}.isdisjoint({os.getpgid(owner.pid), os.getsid(owner.pid)})
        os.killpg(owner.pid, signal.SIGINT)
        output, _ = owner.communicate(timeout=LIMIT)
    assert (output, owner.returncode) == ("stopped in order\n", 0)
    assert (processes_of(data_dir, sockets_of(url)), sockets_of(url).exists()) == ([], False)


def test_the_next_owner_may_start_at_once_and_finds_the_data(user: User, data_dir: Path) -> None:
    with user.own(data_dir) as owner:
        first, _ = server_of(owner)
        cluster = (data_dir / "pgdata").stat().st_ino
        owner.kill()
    with user.own(data_dir) as owner:
        second, _ = server_of(owner)
        assert second != first
        assert (data_dir / "pgdata").stat().st_ino == cluster


def test_an_owner_killed_in_the_first_start_leaves_no_half_cluster(place: Path) -> None:
    data_dir = place / "data"
    with User.ourselves().own(data_dir) as owner:
        eventually((data_dir / "pgdata.unfinished" / "PG_VERSION").exists)
        owner.kill()
    assert not (data_dir / "pgdata").exists()
    with EmbeddedPostgres(data_dir, settings=FAST):
        assert {path.name for path in data_dir.iterdir()} == {"lock", "pgdata", "server.log"}


def test_an_owner_killed_while_the_server_starts_leaves_no_process(made: Path) -> None:
    log_before = (made / "server.log").stat().st_ino
    with User.ourselves().own(made) as owner:
        eventually(lambda: (made / "server.log").exists() and (made / "server.log").stat().st_ino != log_before)
        owner.kill()
    eventually(lambda: not processes_of(made))


def test_a_server_that_crashed_is_started_anew(made: Path) -> None:
    with EmbeddedPostgres(made, settings=FAST) as postgres:
        first, sockets = postgres.pid, sockets_of(postgres.url())
        assert first
        os.kill(first, signal.SIGQUIT)
        eventually(lambda: postgres.pid is None)
        postgres.start()
        assert postgres.pid not in {None, first}
        assert not sockets.exists()


async def test_stop_does_not_wait_for_clients(made: Path) -> None:
    postgres = EmbeddedPostgres(made, settings=FAST)
    postgres.start()
    client = await asyncpg.connect(
        host=str(sockets_of(postgres.url())), port=5432, user="postgres", database="execgraph", ssl="disable"
    )
    closed = asyncio.Event()
    client.add_termination_listener(lambda _: closed.set())
    await asyncio.to_thread(postgres.stop)
    assert postgres.pid is None
    await asyncio.wait_for(closed.wait(), LIMIT)

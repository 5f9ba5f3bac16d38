"""A real pgbouncer in transaction mode before the tests' PostgreSQL."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

START_SECONDS = 30.0
URL_VARIABLE = "EXECGRAPH_TEST_DATABASE_URL"
"""The direct address of the tests' PostgreSQL."""
POOLER_VARIABLE = "EXECGRAPH_TEST_POOLER"
"""Set to `pgbouncer`, everything that is tested goes through one; and then the address of that one."""
CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {servers}
max_client_conn = 2000
query_wait_timeout = 3
server_login_retry = 1
logfile = {folder}/log
"""


@contextmanager
def pgbouncer(url: str, servers: int) -> Iterator[str]:
    """The URL of the same database through a pooler; others on the same server are reached by their name, too.

    Args:
        url: the direct one.
        servers: how many connections to PostgreSQL all clients of a database share.
    """
    target = make_url(url)
    host = str(target.query.get("host") or target.host or "127.0.0.1")
    folder = Path(tempfile.mkdtemp(prefix="execgraph-pgbouncer-", dir="/tmp"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "ini").write_text(
        CONFIGURATION.format(
            host=host,
            port=target.query.get("port") or target.port or 5432,
            user=target.username,
            password=f" password={target.password}" if target.password else "",
            listen_port=port,
            servers=servers,
            folder=folder,
        )
    )
    who: dict[str, Any] = {}
    if os.geteuid() == 0:  # which pgbouncer refuses; whoever owns the sockets may use them
        owner = Path(host).stat().st_uid if host.startswith("/") else 65534
        who = {"user": owner, "extra_groups": []}
        shutil.chown(folder, owner)
        shutil.chown(folder / "ini", owner)
    process = subprocess.Popen(["pgbouncer", str(folder / "ini")], stderr=subprocess.DEVNULL, **who)

    def accepts() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        deadline = time.monotonic() + START_SECONDS
        while not accepts():
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)
        pooled = target.set(host="127.0.0.1", port=port, query={"prepared_statement_cache_size": "0", "ssl": "disable"})
        yield pooled.render_as_string(hide_password=False)
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def pooled(url: str) -> str:
    """The URL of the same database through the pooler, if the tests go through one and it leads there."""
    through = os.environ.get(POOLER_VARIABLE)
    given, direct = make_url(url), make_url(os.environ[URL_VARIABLE])
    if through is None or (given.host, given.query.get("host")) != (direct.host, direct.query.get("host")):
        return url
    return make_url(through).set(database=given.database).render_as_string(hide_password=False)

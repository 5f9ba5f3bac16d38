"""One of several processes that serve the same socket: python -m graphql_api.worker SOCKET READY, by the supervisor."""

import asyncio
import os
import signal
import socket
import sys

from graphql_api.http.app import create_app
from graphql_api.observability.logs import configure_logs
from graphql_api.server import DrainingServer, server_config, settle_garbage_collector
from graphql_api.settings import load_settings


class Worker(DrainingServer):
    """A server that stops when its supervisor is gone."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and look."""
        await super().startup(sockets)
        if self.started:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._look_at_supervisor)

    def _look_at_supervisor(self) -> None:
        if not os.read(sys.stdin.fileno(), 1):  # its end of the pipe is closed: it is gone
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.should_exit = True


def main(socket_number: str, ready: str) -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, too, which ends us in order
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    settings = load_settings()
    configure_logs(settings.log_format, settings.log_level)
    app = create_app(settings)
    settle_garbage_collector()

    def say() -> None:
        os.write(int(ready), b"1")
        os.close(int(ready))

    server = Worker(server_config(app, settings), app.state.draining, settings.linger_seconds, say)
    server.run(sockets=[socket.socket(fileno=int(socket_number))])


if __name__ == "__main__":
    main(*sys.argv[1:])

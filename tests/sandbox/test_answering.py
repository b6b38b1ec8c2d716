"""Waiting until a service answers: one that comes up late, and one that never does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
import json
import socket
import threading

from sandbox.services.answering import await_version, version_at


class Ill(BaseHTTPRequestHandler):
    """Says its version, with a 503."""

    def do_GET(self) -> None:
        body = json.dumps({"status": "fail", "version": "v1.2.0"}).encode()
        self.send_response(503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        return


@contextmanager
def service() -> Iterator[tuple[str, Callable[[], None]]]:
    """An address, and what makes somebody answer there."""
    server = HTTPServer(("127.0.0.1", 0), Ill, bind_and_activate=False)
    server.server_bind()
    threads: list[threading.Thread] = []

    def answer() -> None:
        server.server_activate()
        threads.append(threading.Thread(target=server.serve_forever, args=(0.01,)))
        threads[0].start()

    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", answer
    finally:
        if threads:
            server.shutdown()
            threads[0].join()
        server.server_close()


def test_a_service_that_comes_up_late_is_waited_for():
    with service() as (url, answer):
        late = threading.Timer(0.3, answer)
        late.start()

        assert version_at(url) == ""
        assert await_version(url, "v1.2.0", timedelta(seconds=5))

        late.join()
        assert version_at(url) == "v1.2.0"


def test_another_version_is_not_what_was_waited_for():
    with service() as (url, answer):
        answer()

        assert not await_version(url, "v1.1.0", timedelta(seconds=0.2))


def test_nobody_is_waited_for_no_longer_than_that():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"

        assert not await_version(url, "v1.1.0", timedelta(seconds=0.2))

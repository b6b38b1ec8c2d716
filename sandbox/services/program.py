"""A demo service: a page, a health check and a log. It is committed to git as `service.py`.

What differs between releases is in `release.json`; a release without database connections is
broken. It needs nothing but the standard library, and ends when supervisord does.
"""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import json
import os
from pathlib import Path
import sqlite3
import sys
import threading
import time

SERVICE = os.environ["SERVICE"]
ENVIRONMENT = os.environ["ENVIRONMENT"]
ORDERS = Path(os.environ["INSTALLATIONS"], SERVICE, ENVIRONMENT, "orders.db")
RELEASE = json.loads(Path(__file__).with_name("release.json").read_text())

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{service} in {environment}</title>
<body style="background:{colour};font:2rem system-ui,sans-serif;margin:4rem">
<h1>{service}</h1>
<p>{environment} runs <b>{version}</b></p>
<p>{orders}</p>
"""
EVERY_SECONDS = 10


def log(level: str, message: str, **more: object) -> None:
    """Write one line."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = {"at": at, "level": level, "version": RELEASE["version"], "message": message, **more}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def open_orders() -> int:
    """How many orders are open.

    Raises:
        ConnectionError: the pool has no connection to give.
    """
    if RELEASE["pool"] < 1:
        raise ConnectionError("the connection pool is empty")
    database = sqlite3.connect(f"{ORDERS.as_uri()}?mode=ro", uri=True)
    try:
        (count,) = database.execute("SELECT count(*) FROM orders WHERE status = 'open'").fetchone()
    finally:
        database.close()
    return int(count)


class Answers(BaseHTTPRequestHandler):
    """What it says over HTTP."""

    def do_GET(self) -> None:
        """Answer `/` and `/healthz`."""
        match self.path:
            case "/healthz":
                self.health()
            case "/":
                self.page()
            case _:
                self.say(404, "text/plain", "There is nothing here.\n")

    def health(self) -> None:
        """Whether it could serve a customer."""
        try:
            open_orders()
        except (ConnectionError, sqlite3.Error) as error:
            log("error", "health check fails", reason=str(error))
            status, code = "fail", 503
        else:
            status, code = "ok", 200
        answer = {"status": status, "version": RELEASE["version"]}
        self.say(code, "application/json", json.dumps(answer))

    def page(self) -> None:
        """A page in the release's colour."""
        try:
            code, orders = 200, f"{open_orders()} orders are open."
        except (ConnectionError, sqlite3.Error) as error:
            code, orders = 503, f"Out of order: {error}."
        log("info", "GET /", status=code)
        names = {"service": SERVICE, "environment": ENVIRONMENT, "version": RELEASE["version"]}
        page = PAGE.format(colour=RELEASE["colour"], orders=orders, **names)
        self.say(code, "text/html; charset=utf-8", page)

    def say(self, code: int, kind: str, text: str) -> None:
        """Answer."""
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the log is JSON."""


def watch_orders() -> None:
    """Log how business goes, for ever."""
    while True:
        try:
            log("info", "orders checked", open=open_orders())
        except (ConnectionError, sqlite3.Error) as error:
            log("error", "orders cannot be read", reason=str(error))
        time.sleep(EVERY_SECONDS)


def end_with_supervisord() -> None:
    """End at once when supervisord, which holds the other end of our input, is gone."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serve, until killed."""
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers)
    server.daemon_threads = True
    log("info", "started", port=server.server_port)
    for background in (watch_orders, end_with_supervisord):
        threading.Thread(target=background, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()

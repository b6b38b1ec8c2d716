"""Whether a service answers yet, and as which version. Blocks; light, for the release program."""

from datetime import timedelta
from http.client import HTTPConnection, HTTPException
import json
import time
from urllib.parse import urlsplit

_LOOK = timedelta(milliseconds=30)


def version_at(url: str) -> str:
    """The version that answers at *url*, well or ill; empty if nothing does."""
    where = urlsplit(url)
    connection = HTTPConnection(str(where.hostname), where.port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return str(json.loads(connection.getresponse().read())["version"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return ""
    finally:
        connection.close()


def await_version(url: str, version: str, within: timedelta) -> bool:
    """Wait until *version* answers at *url*, at most *within*; whether it does."""
    deadline = time.monotonic() + within.total_seconds()
    while version_at(url) != version:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK.total_seconds())
    return True

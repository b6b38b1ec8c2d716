"""The messages, kept in memory and in a file, so that a restart finds them under their ids."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import sqlite3
from typing import TypeVar

import orjson

from sandbox.channel.message import Message, from_json

MOST = 5000
"""Messages that are kept; the oldest go first."""

_T = TypeVar("_T")


class History:
    """All messages. Open it with `open_history`."""

    def __init__(self, file: "_File | None", messages: Mapping[str, Message], most: int) -> None:
        self._file = file
        self._messages = dict(messages)
        self._most = most

    @property
    def last_id(self) -> int:
        """The greatest id so far; 0 before the first message."""
        return max(map(int, self._messages), default=0)

    def get(self, message_id: str) -> Message | None:
        """The message of that id; None where there is none."""
        return self._messages.get(message_id)

    def of(self, place_id: str, *, most: int) -> tuple[Message, ...]:
        """The latest *most* messages of a place, oldest first."""
        return tuple(each for each in self._messages.values() if each.place == place_id)[-most:]

    async def put(self, message: Message) -> None:
        """Keep *message*, in place of what had its id.

        It is seen at once, and on disk when this returns.
        """
        self._messages[message.id] = message
        forgotten = list(self._messages)[: max(0, len(self._messages) - self._most)]
        for message_id in forgotten:
            del self._messages[message_id]
        if self._file:
            await self._file.write(message, forgotten)

    async def close(self) -> None:
        """Close the file."""
        if self._file:
            await self._file.close()


async def open_history(path: Path | None, *, most: int = MOST) -> History:
    """What *path* holds; an empty history in memory only where it is None."""
    if path is None:
        return History(None, {}, most)
    file = _File(path)
    return History(file, await file.read(), most)


class _File:
    """A table of messages, written by one thread.

    SQLite, because after a kill a message that was answered with an id must be there, whole.
    """

    def __init__(self, path: Path) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="teams-history")
        self._path = path

    async def read(self) -> Mapping[str, Message]:
        return await _in(self._thread, self._read)

    async def write(self, message: Message, forgotten: list[str]) -> None:
        row = orjson.dumps(message.to_json())
        await _in(self._thread, lambda: self._write(message.id, row, forgotten))

    async def close(self) -> None:
        await _in(self._thread, self._close)
        self._thread.shutdown()

    def _read(self) -> Mapping[str, Message]:
        self._connection = sqlite3.connect(self._path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, message BLOB NOT NULL)"
        )
        rows = self._connection.execute("SELECT message FROM messages ORDER BY id")
        messages = (from_json(orjson.loads(row)) for (row,) in rows)
        return {message.id: message for message in messages}

    def _close(self) -> None:
        self._connection.close()

    def _write(self, message_id: str, row: bytes, forgotten: list[str]) -> None:
        self._connection.execute(
            "INSERT INTO messages VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET message = ?",
            (int(message_id), row, row),
        )
        for each in forgotten:
            self._connection.execute("DELETE FROM messages WHERE id = ?", (int(each),))


async def _in(thread: ThreadPoolExecutor, deed: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(thread, deed)

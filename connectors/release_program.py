"""The operator's release program: any executable that answers in JSON.

    current SERVICE ENVIRONMENT              {"version", "commit", "url", "elsewhere"}
    history SERVICE ENVIRONMENT              {"versions": [oldest, …, the one that runs]}
    tags SERVICE                             {"versions": [{"version", "commit"}, newest first]}
    switch SERVICE ENVIRONMENT TAG --key KEY {"version", "at"}
    applied KEY SERVICE ENVIRONMENT          {"version", "at"} or {}

It ends with 0 and its answer, with 3 and `{"refused", "hint"}`, or with 4 and `{"unavailable"}`
where nothing is amiss in asking again. A key counts once.
"""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping
from datetime import timedelta
import os
from typing import Any

import orjson
import structlog

from domain.errors import Ambiguous, Refused, Unavailable

log = structlog.get_logger(__name__)

_LARGEST_ANSWER = 1024 * 1024
_REFUSED = 3
_UNAVAILABLE = 4
_LET_THROUGH = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK")
"""Of our environment, which has secrets that are none of the program's business."""

Answer = tuple[int, bytes]
"""Exit code and standard output."""


class ReleaseProgram:
    """Runs the program, in a session of its own: when we are killed, a switch still ends well."""

    def __init__(self, path: Callable[[], str]) -> None:
        """*path* is asked at each call."""
        self._path = path
        self._under_way: set[asyncio.Task[Answer]] = set()

    async def ask(self, *arguments: str, within: timedelta) -> Mapping[str, Any]:
        """The answer to something that changes nothing. The program is stopped if it takes longer.

        Raises:
            Refused: it makes no sense.
            Unavailable: no answer, not now, or not in time.
        """
        try:
            async with asyncio.timeout(within.total_seconds()):
                process = await self._started(arguments)
                try:
                    answer = await _answer(process)
                except asyncio.CancelledError:
                    await _kill(process)
                    raise
        except TimeoutError as error:
            raise Unavailable("The release program took too long.") from error
        return _meaning(answer, arguments, Unavailable("The release program did not answer."))

    async def tell(self, *arguments: str) -> Mapping[str, Any]:
        """The answer to something that changes the world. A caller who is gone stops nothing.

        Raises:
            Refused: it makes no sense; nothing was done.
            Unavailable: not now; asking again with the same key is safe.
            Ambiguous: it ended, and nobody said how.
        """
        process = await self._started(arguments)
        task = asyncio.create_task(_answer(process))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        answer = await asyncio.shield(task)
        return _meaning(
            answer, arguments, Ambiguous("The release program ended without an answer.")
        )

    async def close(self, within: timedelta) -> None:
        """Wait for what is under way. What takes longer ends with our loop; its key is safe."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=within.total_seconds())

    async def _started(self, arguments: tuple[str, ...]) -> Process:
        path = self._path()
        try:
            return await asyncio.create_subprocess_exec(
                path,
                *arguments,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                start_new_session=True,
                env={name: os.environ[name] for name in _LET_THROUGH if name in os.environ},
            )
        except OSError as error:
            raise Unavailable("The release program cannot be started.") from error


async def _answer(process: Process) -> Answer:
    """What the program says, when it has ended."""
    if process.stdout is None or process.stderr is None:
        raise TypeError("started with pipes")
    async with asyncio.TaskGroup() as group:
        output = group.create_task(_bounded(process.stdout))
        complaint = group.create_task(_bounded(process.stderr))
    code = await process.wait()
    if complaint.result():
        last_line = complaint.result().decode(errors="replace").rstrip().rpartition("\n")[2]
        log.warning("release program complains", exit_code=code, last_line=last_line[:500])
    return code, output.result()


async def _bounded(stream: asyncio.StreamReader) -> bytes:
    """What *stream* gives, all of it read, and none of it kept past the limit."""
    kept = bytearray()
    while chunk := await stream.read(65536):
        if len(kept) <= _LARGEST_ANSWER:
            kept += chunk
    return bytes(kept)


async def _kill(process: Process) -> None:
    try:
        process.kill()
    except ProcessLookupError:
        return  # it was faster
    await process.wait()


def _meaning(
    answer: Answer, arguments: tuple[str, ...], otherwise: Unavailable
) -> Mapping[str, Any]:
    """The program's answer as a value; raises *otherwise* where it makes no sense."""
    code, output = answer
    try:
        value = orjson.loads(output) if len(output) <= _LARGEST_ANSWER else None
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict):
        if code == 0:
            return value
        if code == _REFUSED and isinstance(value.get("refused"), str):
            raise Refused(value["refused"], hint=str(value.get("hint", "")))
        if code == _UNAVAILABLE and isinstance(value.get("unavailable"), str):
            raise Unavailable(value["unavailable"])
    log.error("release program gives no answer", command=arguments[0], exit_code=code)
    raise otherwise

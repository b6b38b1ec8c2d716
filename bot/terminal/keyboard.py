"""The keyboard of the terminal, and the line that is being typed while others say something."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
import shutil
import sys
import threading

try:
    import readline
    import termios
except ImportError:  # a system without them, such as Windows: lines are typed without a history
    HAS_EDITING = False
else:
    HAS_EDITING = True

from rich.cells import cell_len

Ask = Callable[[str], Awaitable[str | None]]
"""Shows a prompt and gives the line that was typed; None at the end of the input."""


class Keyboard:
    """Asks at the terminal, in a thread that does not keep the program from ending.

    Where there is readline, lines can be edited, and the arrow keys bring earlier ones back.
    """

    def __init__(self) -> None:
        self._prompt: str | None = None

    async def ask(self, prompt: str) -> str | None:
        """Implements `Ask`."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()

        def give(line: str | None) -> None:
            self._prompt = None
            if not answer.done():
                answer.set_result(line)

        def read() -> None:
            line: str | None = None
            try:
                line = input(prompt)
            except EOFError:
                sys.stdout.write("\n")  # what follows stands on a line of its own
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(give, line)

        self._prompt = prompt
        threading.Thread(target=read, name="terminal", daemon=True).start()
        return await answer

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line that is being typed away while it lasts, then put it back."""
        if self._prompt is None or not HAS_EDITING:
            yield
            return
        typed = f"{self._prompt}{readline.get_line_buffer()}"
        above = max(cell_len(typed) - 1, 0) // max(shutil.get_terminal_size().columns, 1)
        sys.stdout.write("\r" + "\x1b[A" * above + "\x1b[J")
        try:
            yield
        finally:
            sys.stdout.write(typed)
            sys.stdout.flush()


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """The keyboard; in the end the terminal is as it was.

    A program that is interrupted while readline waits would leave a terminal that shows nothing
    of what is typed.
    """
    if not HAS_EDITING or not sys.stdin.isatty():
        yield Keyboard()
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        yield Keyboard()
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

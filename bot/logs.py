"""The log: one event, one line, on the standard error stream.

JSON for machines; in the demo, words for a person. Libraries speak from warnings on. Whatever is
told to be a secret is masked wherever it shows up.
"""

from collections.abc import Callable, Iterable, MutableMapping
import logging
import sys
from typing import Any

import structlog
from structlog.typing import Processor

from bot.settings import Level, Profile, Settings

MASK = "•••"

_SHORTEST_SECRET = 6
"""Characters. Masking shorter ones would black out ordinary words."""

Event = MutableMapping[str, Any]


def set_up_logs(settings: Settings) -> None:
    """Log as *settings* say, from here on, in the whole process."""
    if settings.profile is Profile.DEMO:
        renderer: Any = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    else:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    _set_up(settings.log_level, renderer, settings.secrets)


def set_up_quiet_logs() -> None:
    """Log warnings only, in words: for commands whose output is the answer."""
    _set_up(Level.WARNING, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()), ())


def mask(secrets: Iterable[str]) -> Callable[[Any, str, Event], Event]:
    """The processor that puts `MASK` in the place of each of *secrets*."""
    hidden = sorted({each for each in secrets if len(each) >= _SHORTEST_SECRET}, key=len)[::-1]

    def masked(value: Any) -> Any:
        match value:
            case str():
                for secret in hidden:
                    value = value.replace(secret, MASK)
                return value
            case bytes():
                return masked(value.decode(errors="replace"))
            case dict():
                return {masked(key): masked(inner) for key, inner in value.items()}
            case list() | tuple() | set() | frozenset():
                return [masked(inner) for inner in value]
            case None | bool() | int() | float():
                return value
            case _:
                return masked(str(value))

    def processor(_: Any, __: str, event: Event) -> Event:
        return {key: masked(value) for key, value in event.items()}

    return processor


def _set_up(level: Level, renderer: Any, secrets: Iterable[str]) -> None:
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    at_the_end: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        mask(secrets),
        renderer,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=at_the_end)
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for package in ("bot", "connectors", "dialogs", "sandbox", "storage", "workflows"):
        logging.getLogger(package).setLevel(_number(level))
    logging.captureWarnings(capture=True)


def _number(level: Level) -> int:
    return logging.getLevelNamesMapping()[level.name]

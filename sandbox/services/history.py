"""What was released of the demo's services, as git is told it."""

from dataclasses import dataclass
import json
from pathlib import Path

_PERSON = "Release Engineer <releases@example.invalid>"
_FIRST_COMMIT = 1_767_225_600  #: seconds since the epoch: constant, so that commits are too
_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One release."""

    version: str
    subject: str
    colour: str  #: of its page
    pool: int  #: database connections; without any it is broken


RELEASES = (
    Made(version="v1.0.0", subject="Take orders", colour="#cfe8ff", pool=5),
    Made(version="v1.1.0", subject="Make the cart faster", colour="#d5f5d5", pool=10),
    Made(version="v1.2.0", subject="Size the pool by load", colour="#ffd5d5", pool=0),
    Made(version="v1.2.1", subject="Never size the pool below one", colour="#fff3c4", pool=10),
)


def fast_import_stream() -> bytes:
    """All commits and tags, for `git fast-import`.

    https://git-scm.com/docs/git-fast-import#_input_format
    """
    program = (Path(__file__).parent / "program.py").read_bytes()
    stream = bytearray()
    for number, made in enumerate(RELEASES, 1):
        when = f"{_PERSON} {_FIRST_COMMIT + number * _DAY} +0000"
        settings = {"version": made.version, "colour": made.colour, "pool": made.pool}
        stream += f"commit refs/heads/main\nmark :{number}\ncommitter {when}\n".encode()
        stream += _blob(made.subject.encode())
        stream += b"M 100644 inline service.py\n" + _blob(program)
        stream += b"M 100644 inline release.json\n" + _blob(json.dumps(settings).encode())
        stream += f"tag {made.version}\nfrom :{number}\ntagger {when}\n".encode()
        stream += _blob(f"{made.version}: {made.subject}".encode())
    return bytes(stream + b"done\n")


def _blob(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)

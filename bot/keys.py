"""The keys of an installation: given by the settings or, in demo and test, made once and kept.

A key is the bytes of a text, so that what lies in a file can be put into a variable as it is.
"""

from dataclasses import dataclass, field
import os
from pathlib import Path
import secrets

from bot.settings import BadSettings, Profile, Settings, variable

_AUDIT_KEY = "audit.key"
_SECRET_KEYS = "secret.keys"  # noqa: S105  # a file's name
_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What nobody else may know; it does not show in a traceback or a log."""

    audit: bytes = field(repr=False)  #: authenticates the audit log
    ring: tuple[bytes, ...] = field(repr=False)  #: card tokens, sealing; the first one is used


def installation_keys(settings: Settings) -> Keys:
    """The keys that *settings* give; those they do not give are made, or read if made before.

    Raises:
        BadSettings: production was not given them, or has a state folder with made ones.
        OSError: the state folder cannot be written.
    """
    if settings.profile is Profile.PRODUCTION:
        _refuse_made_ones(settings)
        return Keys(audit=_given_audit_key(settings), ring=_given_ring(settings))
    return Keys(
        audit=_given_audit_key(settings) or _kept(settings.state_dir / _AUDIT_KEY).encode(),
        ring=_given_ring(settings) or (_kept(settings.state_dir / _SECRET_KEYS).encode(),),
    )


def audit_key(settings: Settings) -> bytes:
    """The key that verifies the log of an installation, whatever its profile is; none is made.

    Raises:
        BadSettings: there is none.
    """
    file = settings.state_dir / _AUDIT_KEY
    found = _given_audit_key(settings) or (_read(file).encode() if file.is_file() else b"")
    if not found:
        raise BadSettings(f"{variable('audit_key')} is not set, and there is no key at {file}.")
    return found


def _given_audit_key(settings: Settings) -> bytes:
    return settings.audit_key.get_secret_value().encode() if settings.audit_key else b""


def _given_ring(settings: Settings) -> tuple[bytes, ...]:
    return tuple(key.encode() for key in settings.ring)


def _refuse_made_ones(settings: Settings) -> None:
    """Refuse to go on in production with what a demo or a test began.

    Raises:
        BadSettings: somebody made keys there.
    """
    for name in (_AUDIT_KEY, _SECRET_KEYS):
        if (settings.state_dir / name).exists():
            raise BadSettings(
                f"The state folder {settings.state_dir} is a demo's or a test's; "
                f"set {variable('state_dir')} to another one."
            )


def _kept(file: Path) -> str:
    """The key in *file*; if there is none, a new one is written there, for us alone to read.

    Of two processes that do it at once, both get the key of the one that was first.

    Raises:
        BadSettings: the file holds no key.
        OSError: it cannot be written.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            _write(draft, f"{secrets.token_hex(_BYTES)}\n")
            os.link(draft, file)
        except FileExistsError:
            pass  # somebody was faster, and the key is theirs
        finally:
            draft.unlink(missing_ok=True)
    return _read(file)


def _write(file: Path, text: str) -> None:
    """Write *text* into the new *file*; it is on the disk when this returns."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(handle)


def _read(file: Path) -> str:
    """The key in *file*.

    Raises:
        BadSettings: it holds none.
    """
    try:
        key = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"The key in {file} cannot be read.") from error
    if len(key) < _BYTES:
        raise BadSettings(f"There is no whole key in {file}.")
    return key

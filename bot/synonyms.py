"""What people type who come from other tools, and what it is called here.

These are guesses: what is typed does nothing, and the answer asks whether that was meant. A word
that can be mistaken (`undo` of what? `yes` to what?) must not do anything by itself. Words that
cannot are aliases, and stand with their commands.
"""

from collections.abc import Mapping

_TYPED: Mapping[str, str] = {
    "again": "repeat redo",
    "approve": "accept agree allow lgtm yes y ok",
    "audit": "trail events",
    "can": "may",
    "cancel": "stop abort kill",
    "confirm": "go proceed yes y ok",
    "deploy": "release rollout push publish promote install upgrade update",
    "diagnose": "check doctor troubleshoot debug",
    "halt": "stop emergency panic",
    "help": "hi hello h man usage menu",
    "lock": "claim reserve hold",
    "logs": "tail journal journalctl output",
    "reject": "decline deny refuse no n veto",
    "remind": "remember snooze",
    "restart": "reboot reload recycle kick",
    "pause": "hold freeze wait",
    "resume": "continue unpause",
    "rollback": "undo back downgrade restore",
    "retry": "rerun",
    "run": "show describe inspect",
    "runs": "history list jobs executions ls",
    "schedule": "cron crontab every later",
    "skip": "omit ignore",
    "status": "state health ls services version versions",
    "whoami": "who roles groups login",
    "steal": "takeover",
    "unhalt": "continue proceed",
    "unlock": "unblock",
    "why": "explain",
}

MEANT: Mapping[str, tuple[str, ...]] = {
    word: tuple(name for name, words in _TYPED.items() if word in words.split())
    for words in _TYPED.values()
    for word in words.split()
}
"""A word, and the commands that it may stand for; not all of them need be there."""

"""`python -m bot`, as on a machine of its own: no other process sees it, or is seen by it."""

from bot.cli import main
from bot.system import RandomIds
from workflows.engine import recovery

if __name__ == "__main__":
    place = RandomIds().uuid()
    recovery.whereabouts = lambda _uuid: f"elsewhere {place}"
    main()

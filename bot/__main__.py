"""`python -m bot`: the same as `signalbox`."""

from bot.cli import main

main()

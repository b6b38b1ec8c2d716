"""What can be said besides workflows: one file each, found by `bot.command.discover`."""

"""A simulated Teams on loopback: the Bot Connector's REST API, and a chat page for several people.

It speaks to the bot as Teams does, and to nobody but this machine. What Teams decides, such as who
sees which view of a card, is decided here, not in the page.

`Channel` is the test kit for conversations: see docs/how-to/test-a-conversation.md.
"""

from sandbox.channel.company import Card, Dialog, NotSeen, Person, Post, Pressed
from sandbox.channel.kit import Channel

__all__ = ["Card", "Channel", "Dialog", "NotSeen", "Person", "Post", "Pressed"]

"""`signalbox chat` at work: what is shown and how, what is typed, and what comes of it."""

"""Guided dialogs: what is asked next, and what an answer leads to. Decisions about values."""

"""Guided conversations: ask for what is missing, by field name."""

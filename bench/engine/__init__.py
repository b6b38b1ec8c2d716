"""What the engine costs: beside plain DBOS, as its tables grow, and while runs wait.

Everything is measured on SQLite and on PostgreSQL, both with an fsync for each commit.
"""

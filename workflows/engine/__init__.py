"""Durable execution: transitions, workers, timers, recovery. Only `durable.py` knows DBOS."""

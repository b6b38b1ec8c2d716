"""`python -m bench.engine [--long]`: only this benchmark, as a table."""

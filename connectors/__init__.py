"""The systems we operate on, one file each. A connector knows nothing of runs, chat or policy."""

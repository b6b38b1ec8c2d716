"""The words and the rules: values and decisions, no I/O, no clock of its own."""

"""Domain values in, Adaptive Cards out. Pure: no I/O, no clock."""

"""Everything that stands in for the world on a laptop and in tests."""

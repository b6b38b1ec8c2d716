"""Definitions, expressions and the engine that carries runs out."""

"""Weights that others published: where they lie, which they are, how they are read or converted."""

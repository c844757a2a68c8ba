"""Detectors and judges: what is in a video, where, and what it does."""

"""Training of what this repository ships: the embedded text-to-video model and its judge."""

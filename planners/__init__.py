"""Plans of scenes: from a prompt to trajectories, their checks and their files."""

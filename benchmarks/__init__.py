"""What guidance costs: counters that need no clock, ratios of times, whole clips, one GPU."""

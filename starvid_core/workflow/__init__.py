"""The graph of work from plans to figures, here or on a cluster, resumed after any kill."""

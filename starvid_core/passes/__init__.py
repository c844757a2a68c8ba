"""What a pass of the model costs: a shorter one, a leaner one, and passes that are shared."""

"""SpatialAlign: a LoRA that learns from the model's own better and worse videos."""

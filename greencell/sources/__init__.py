"""Sources: one file per kind of meter or model, and discovery, which finds those that work."""

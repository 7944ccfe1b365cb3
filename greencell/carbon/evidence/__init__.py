"""Evidence of where this machine stands: files and variables of its own, never the network."""

"""History: what past sessions cost, in a file of the user's own. Written beside the cells."""

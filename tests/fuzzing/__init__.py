"""Odd inputs for every reader of ours: what a string of bytes becomes, and who reads it."""

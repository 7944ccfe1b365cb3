"""Live carbon intensity, for who asks for it. The only rooms that talk to another machine.

Nothing here is imported unless a provider was chosen; a test holds it to that.
"""

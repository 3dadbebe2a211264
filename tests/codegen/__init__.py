"""The generator: what it refuses, what it writes, and that it changes nothing when it stops."""

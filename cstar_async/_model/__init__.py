"""Models, and their conversion from and to JSON."""

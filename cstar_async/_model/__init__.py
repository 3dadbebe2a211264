"""JSON to objects and back."""

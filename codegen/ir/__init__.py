"""Build the values that the templates render."""

"""The page that shows a fake in a browser."""

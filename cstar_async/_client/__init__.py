"""The way of one call: settings, request building, retries, hooks."""

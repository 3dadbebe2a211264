"""Compare two documents: what changes for the API and for the Python callers of its client, and what of it breaks."""

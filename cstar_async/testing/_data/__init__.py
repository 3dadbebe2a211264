"""The data of the fake server."""

"""The HTTP server of the fake: sockets, and the order in which a request is processed."""

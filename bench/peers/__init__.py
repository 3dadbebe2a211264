"""Compare the client with other ways to call an API, and measure how cost grows with the work: `make bench-peers`."""

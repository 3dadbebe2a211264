"""The client over real loopback HTTP, against servers made for one response."""

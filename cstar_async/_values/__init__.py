"""How values of callers and servers are validated, redacted and shown."""

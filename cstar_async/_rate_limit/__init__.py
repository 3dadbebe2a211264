"""Rate limit windows, and the limiter that waits for them."""

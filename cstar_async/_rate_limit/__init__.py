"""Rate limit windows and the limiter in memory."""

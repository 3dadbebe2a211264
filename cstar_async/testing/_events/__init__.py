"""Webhook deliveries and event streams of the fake server."""

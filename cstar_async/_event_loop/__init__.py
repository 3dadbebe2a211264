"""What asyncio lacks: a clock that tests can replace, objects of one event loop, and one timer for many timeouts."""

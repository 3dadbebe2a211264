"""HTTP requests over aiohttp."""

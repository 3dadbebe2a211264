"""cStar over HTTP, without I/O."""

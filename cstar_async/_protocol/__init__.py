"""The cStar protocol over HTTP, without I/O."""

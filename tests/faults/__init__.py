"""Faults on the wire between client and fake, one by one and all together."""

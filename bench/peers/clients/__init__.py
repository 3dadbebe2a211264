"""One small class for each client that is compared, all with the same methods.

The libraries are installed in the environment of `make bench-peers` only, so a module is imported only in the process that measures
it.
"""

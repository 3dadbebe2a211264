"""The parts of an HTTP request that are the same for every operation: routing, keys, limits, validation, faults and responses."""

"""HTTP rules of the fake server: authentication, limits, validation, faults."""

"""The handlers of operations, and the special rules of single collections."""

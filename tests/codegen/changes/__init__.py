"""A list of changes of documents, each with what must come of it."""

"""The data of the fake: the document, the collection schemas, ids and the store."""

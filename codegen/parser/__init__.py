"""Bring a document into the form that the generator builds code from."""

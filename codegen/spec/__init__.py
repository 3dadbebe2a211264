"""Load the OpenAPI document and look things up in it."""

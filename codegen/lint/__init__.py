"""Check the OpenAPI document before it is parsed."""

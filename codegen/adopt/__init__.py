"""Go from the present document to one that the owner of the API has published, and keep what only the present one says."""

"""Generate models, functions and namespaces from `openapi/cstar.yaml`.

A run goes through the packages in this order: `spec` loads the document, `lint` checks it, `parser` has openapi-python-client parse
it, `ir` builds names, types and docstrings, `render` fills the templates and formats them, `output` compares or replaces the files.
`errors` has the problems that stop a run.

The generator does not import the package that it writes, and is not shipped with it.
"""

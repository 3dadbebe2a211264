"""Generate models, functions and namespaces from an OpenAPI document.

A run goes through the packages in this order: `spec` loads the document, `parser` brings it into one form, `ir` builds names, types
and docstrings. `render` fills the templates and formats them, and `output` compares or replaces the files. `errors` collects
problems and notes. `lint` checks the rules of this project, and no run needs it.

The generator does not import the package that it writes, and is not shipped with it.
"""

"""The generator: turns `openapi/cstar.yaml` into `cstar_async/_generated/` and the doors `cstar_async/api/`.

Read the modules in the order in which a run goes through them: `source` (YAML to data), `preflight` (what the `document` may say),
`parse` (openapi-python-client's reading of the same data, and the proof that nothing was dropped), `view` (names, types and prose
of the code to be), `render` (templates, then ruff), `output` (compare or swap). A run that stops says why in `problems`.

The package knows nothing of `cstar_async` beyond the names that the generated code imports, and is not shipped with it.
"""

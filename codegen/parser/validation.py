"""Check with the models of openapi-python-client that the keywords of OpenAPI have values of their types.

The rest of the generator reads the document itself. The parser of that package is not used: it drops discriminators, the text of
parameters, keys beside a `$ref` and extensions.
"""

from __future__ import annotations

import json
import re
from importlib.metadata import version

from openapi_python_client.schema import OpenAPI
from pydantic import ValidationError

from codegen.errors import CodegenError, Problem, ProblemCollector
from codegen.spec.document import Node, child_pointer, is_list, is_object

MODELS_PACKAGE = "openapi-python-client"
MODELS_VERSION = "0.29.1"
_VALUES = frozenset({"default", "const", "enum", "example", "examples"})
"""The keywords for values of the API."""
_NAMED = frozenset({"properties", "schemas", "paths", "responses", "parameters", "headers", "requestBodies", "content"})
"""The keywords for objects whose keys are names."""
_BRANCHES = frozenset({"ref", "other", "ref-or-other"})
"""Parts of the location of an error that are names of union branches, which are not in the document."""


def validate_openapi(raw: Node) -> None:
    """Raise `CodegenError` unless all values of the document have the types that OpenAPI requires."""
    if version(MODELS_PACKAGE) != MODELS_VERSION:
        raise CodegenError([Problem(MODELS_PACKAGE, f"the version must be {MODELS_VERSION}, got {version(MODELS_PACKAGE)}.")])
    problems = ProblemCollector()
    _check_types(raw, problems)
    _check_no_nulls(raw, "#", problems)
    problems.raise_if_any()


def _check_types(raw: Node, problems: ProblemCollector) -> None:
    # The models do not have webhooks, which are path items like those of `paths`.
    for section in ("paths", "webhooks"):
        try:
            OpenAPI.model_validate_json(json.dumps({**raw, "paths": raw.get(section, {})}), strict=True)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False, include_context=False):
                keys = [str(key) for key in detail["loc"] if key not in _BRANCHES]
                keys = [section, *keys[1:]] if keys[:1] == ["paths"] else keys
                problems.add(child_pointer("#", *keys), f"{_in_one_line(detail['msg'])}.")


def _check_no_nulls(value: object, pointer: str, problems: ProblemCollector, *, are_names: bool = False) -> None:
    """Report null as the value of a keyword, which the models would take for an absent one."""
    if value is None:
        problems.add(pointer, "a value must not be null; leave the key out.")
    elif is_object(value):
        for key, inner in value.items():
            if are_names or not (key in _VALUES or key.startswith("x-")):
                _check_no_nulls(inner, child_pointer(pointer, key), problems, are_names=key in _NAMED and not are_names)
    elif is_list(value):
        for index, inner in enumerate(value):
            _check_no_nulls(inner, child_pointer(pointer, str(index)), problems)


def _in_one_line(text: str) -> str:
    # Messages print some strings as objects, with an address that differs in each run.
    return " ".join(re.sub(r" ?<openapi_python_client[^>]*>", "", text).split()).rstrip(".")

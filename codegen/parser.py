"""Parse the document with openapi-python-client, and check that nothing of it was lost.

That parser is internal to its package, and drops what it does not support. So its version is pinned, and each of its errors and
warnings stops the run. The operations, parameters, bodies and responses that it found are counted against those of the document.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import openapi as openapi_parser
from openapi_python_client.parser.errors import GeneratorError
from openapi_python_client.parser.openapi import Endpoint, GeneratorData
from openapi_python_client.parser.properties import EnumProperty, ModelProperty
from openapi_python_client.schema import OpenAPI
from openapi_python_client.strings import ClassName, PythonIdentifier
from pydantic import ValidationError

from codegen.errors import CodegenError, Problem, ProblemCollector
from codegen.spec.document import Document, Node, child_pointer, is_list, is_object
from codegen.spec.queries import is_union

PARSER_PACKAGE = "openapi-python-client"
PARSER_VERSION = "0.29.1"
_VALUES = frozenset({"default", "const", "enum", "example", "examples"})
"""The keywords for values of the API."""
_NAMED = frozenset({"properties", "schemas", "paths", "responses", "parameters", "headers", "requestBodies", "content"})
"""The keywords for objects whose keys are names."""
CONFIG = Path(__file__).with_name("config.yaml")


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """The result of openapi-python-client, by the names of the document."""

    document: Document
    data: GeneratorData
    config: Config
    models: dict[str, ModelProperty]
    enums: dict[str, EnumProperty]
    endpoints: dict[str, Endpoint]


def validate_openapi(raw: Node) -> None:
    """Raise `CodegenError` unless all values of the document have the types that OpenAPI requires."""
    problems = ProblemCollector()
    try:
        OpenAPI.model_validate(raw)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False, include_context=False):
            # The location has names of union branches, which are not in the document.
            keys = [str(key) for key in detail["loc"] if key not in ("ref", "other", "ref-or-other")]
            problems.add(child_pointer("#", *keys), f"{_in_one_line(detail['msg'])}.")
    _check_no_nulls(raw, "#", problems)
    problems.raise_if_any()


def _check_no_nulls(value: object, pointer: str, problems: ProblemCollector, *, are_names: bool = False) -> None:
    """Report null as the value of a keyword, which openapi-python-client would take for an absent one."""
    if value is None:
        problems.add(pointer, "a value must not be null; leave the key out.")
    elif is_object(value):
        for key, inner in value.items():
            if are_names or not (key in _VALUES or key.startswith("x-")):
                _check_no_nulls(inner, child_pointer(pointer, key), problems, are_names=key in _NAMED and not are_names)
    elif is_list(value):
        for index, inner in enumerate(value):
            _check_no_nulls(inner, child_pointer(pointer, str(index)), problems)


def parse(document: Document) -> Parsed:
    """Parse a document that passed lint."""
    if version(PARSER_PACKAGE) != PARSER_VERSION:
        raise CodegenError([Problem(PARSER_PACKAGE, f"the version must be {PARSER_VERSION}, got {version(PARSER_PACKAGE)}.")])
    config = _config()
    data = _read(document, config)
    problems = ProblemCollector()
    for message in _parser_errors(data):
        problems.add(_pointer_in(message), f"{PARSER_PACKAGE} reports: {message}")
    problems.raise_if_any()
    endpoints = {str(endpoint.name): endpoint for tag in data.endpoint_collections_by_tag.values() for endpoint in tag.endpoints}
    parsed = Parsed(
        document=document,
        data=data,
        config=config,
        models={str(model.class_info.name): model for model in data.models},
        enums={str(enum.class_info.name): enum for enum in data.enums if isinstance(enum, EnumProperty)},
        endpoints={
            operation.id: endpoints[name]
            for operation in document.operations
            if (name := _identifier(operation.id, config)) in endpoints
        },
    )
    _check_nothing_lost(parsed, problems)
    problems.raise_if_any()
    return parsed


def _config() -> Config:
    return Config.from_sources(
        config_file=ConfigFile.load_from_path(CONFIG),
        meta_type=MetaType.NONE,
        document_source=CONFIG,
        file_encoding="utf-8",
        overwrite=False,
        output_path=None,
    )


def _read(document: Document, config: Config) -> GeneratorData:
    try:
        with _disable_deepcopy():
            data = GeneratorData.from_dict(document.raw, config=config)
    except Exception as error:  # any failure of the parser is a problem of the document
        message = _in_one_line(f"{type(error).__name__}: {error}")
        raise CodegenError([Problem("#", f"{PARSER_PACKAGE} cannot read the document: {message}.")]) from error
    if isinstance(data, GeneratorError):
        raise CodegenError(
            [Problem("#", f"{PARSER_PACKAGE} cannot read the document: {_in_one_line(data.detail or data.header)}.")]
        )
    return data


@contextmanager
def _disable_deepcopy() -> Generator[None]:
    """Let openapi-python-client reuse endpoints instead of copying them with all their models.

    It copies them four times for each operation, which takes nine tenths of its time.
    """
    copy = openapi_parser.__dict__["deepcopy"]
    openapi_parser.__dict__["deepcopy"] = _identity
    try:
        yield
    finally:
        openapi_parser.__dict__["deepcopy"] = copy


def _identity(endpoint: Endpoint) -> Endpoint:
    return endpoint


def _parser_errors(data: GeneratorData) -> Iterator[str]:
    errors = [*data.errors, *(error for tag in data.endpoint_collections_by_tag.values() for error in tag.parse_errors)]
    for error in errors:
        yield _in_one_line(f"{error.header} {error.detail or ''}")


def _pointer_in(message: str) -> str:
    """Return the pointer that a message of openapi-python-client mentions, or `#`."""
    if found := re.search(r"/components/\w+/[^\s:]+", message):
        return f"#{found[0]}"
    if found := re.search(r"parsing ([A-Z]+) (\S+) within", message):
        return child_pointer("#/paths", found[2], found[1].lower())
    return "#"


def _check_nothing_lost(parsed: Parsed, problems: ProblemCollector) -> None:
    """Compare the numbers of things that were parsed with those of the document."""
    for operation in parsed.document.operations:
        endpoint = parsed.endpoints.get(operation.id)
        if endpoint is None:
            problems.add(operation.pointer, f"{PARSER_PACKAGE} lost the operation `{operation.id}`.")
            continue
        counts = {
            "parameters": (len(operation.parameters), sum(1 for _ in endpoint.iter_all_parameters())),
            "bodies": (int("requestBody" in operation.node), len(endpoint.bodies)),
            "responses": (len(operation.node["responses"]), len(endpoint.responses)),
        }
        for what, (written, found) in counts.items():
            if written != found:
                problems.add(operation.pointer, f"the document has {written} {what} here and {PARSER_PACKAGE} found {found}.")
    for name, schema in parsed.document.schemas.items():
        if is_union(schema):
            continue  # a union has no class; its members are checked
        known = parsed.enums if "enum" in schema else parsed.models
        if str(ClassName(name, parsed.config.field_prefix)) not in known:
            problems.add(child_pointer("#/components/schemas", name), f"{PARSER_PACKAGE} lost the schema `{name}`.")


def _identifier(name: str, config: Config) -> str:
    return str(PythonIdentifier(name, config.field_prefix))


def _in_one_line(text: str) -> str:
    # Messages print some strings as objects, with an address that differs in each run.
    return " ".join(re.sub(r" ?<openapi_python_client[^>]*>", "", text).split()).rstrip(".")

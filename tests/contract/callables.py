"""Find every public callable of the package, and call it with valid arguments and a wrong one."""

from __future__ import annotations

import enum
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, is_typeddict

import attrs

import cstar_async
from cstar_async import CStarError, Hooks, Limiter, Paginator
from cstar_async._operations.executor import Namespace
from cstar_async.files import Download
from cstar_async.webhooks import EventStream
from tests.contract.samples import ROOTS, SAMPLES, Environment

MODULES = ("cstar_async", *(f"cstar_async.{one.name}" for one in pkgutil.iter_modules(cstar_async.__path__) if one.name[0] != "_"))

MADE_BY_THE_CLIENT = (Paginator, EventStream, Namespace, Download)
"""Their constructors take parts of the client."""
CALLED_BY_OTHERS = {
    *(name for name in vars(Limiter) if not name.startswith("_")),
    *(name for name in vars(Hooks) if not name.startswith("_")),
    *("aiohttp_handler", "asgi_app"),
    *("streams.open", "streams.publish", "requests.append"),
}
"""Methods that the client, a web server or the fake's server calls with objects of its own. Checks would slow down each call."""
WAITS = {"clock.sleep", "FakeClock.sleep", "clock.wait_for_sleepers", "FakeClock.wait_for_sleepers"}
"""Methods that wait as long as their argument says."""


@attrs.frozen
class Arguments:
    """The arguments of a call."""

    positional: tuple[Any, ...]
    keywords: Mapping[str, Any]


@attrs.frozen
class Target:
    """A public callable: an exported one, or a method of an object of an exported class or of one of its attributes."""

    name: str
    owner: type | None
    path: tuple[str, ...]
    exported: Callable[..., Any] | None = None

    async def resolve(self, environment: Environment) -> Callable[..., Any]:
        """Return the callable, of an object of its own."""
        if self.owner is None:
            assert self.exported is not None
            return self.exported
        found: Any = await make(self.owner, environment)
        for name in self.path:
            found = getattr(found, name)
        return found  # type: ignore[no-any-return]

    @property
    def short_name(self) -> str:
        """The last two parts of the name."""
        return ".".join(self.name.split(".")[-2:])


async def find_targets(environment: Environment, modules: Callable[[str], bool]) -> list[Target]:
    """Return the public callables of some modules."""
    targets: dict[object, Target] = {}
    for name, thing in _exported():
        if not modules(name) or getattr(thing, "_is_protocol", False) or isinstance(thing, enum.EnumMeta) or is_typeddict(thing):
            continue
        if not (inspect.isclass(thing) and issubclass(thing, MADE_BY_THE_CLIENT)):
            targets[thing] = Target(name, None, (), thing)
        if inspect.isclass(thing) and not issubclass(thing, Namespace) and (thing in ROOTS or _has_methods(thing)):
            instance = await make(thing, environment)
            _add_methods(targets, thing, instance, (), thing.__name__, {thing})
    return [target for target in targets.values() if not {target.name.rpartition(".")[2], target.short_name} & CALLED_BY_OTHERS]


async def make(cls: type, environment: Environment) -> Any:
    """Make an object of a class."""
    if cls in ROOTS:
        return await environment.make(cls)
    valid = valid_arguments(cls, environment)
    return cls(*valid.positional, **valid.keywords)


def valid_arguments(function: Callable[..., Any], environment: Environment) -> Arguments:
    """Return the arguments that a call needs."""
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    for parameter in _parameters(function):
        is_variable = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        if (is_variable or parameter.default is not parameter.empty) and f"{function.__name__}.{parameter.name}" not in SAMPLES:
            continue
        if parameter.kind is parameter.KEYWORD_ONLY:
            keywords[parameter.name] = _sample(function, parameter.name, environment)
        else:
            positional.append(_sample(function, parameter.name, environment))
    return Arguments(tuple(positional), keywords)


def wrong_arguments(function: Callable[..., Any], valid: Arguments, wrong: Any) -> Iterator[tuple[str, Arguments]]:
    """Yield the name of each parameter in turn, and the arguments with the wrong value for it."""
    is_generated = function.__module__.startswith("cstar_async.api")
    for index, parameter in enumerate(_parameters(function)):
        if parameter.name == "client" and is_generated:
            continue  # any object with an executor; a check would slow down each call
        if parameter.kind is parameter.VAR_KEYWORD:
            for name in _keywords(parameter):
                yield name, attrs.evolve(valid, keywords={**valid.keywords, name: wrong})
        elif parameter.kind is parameter.VAR_POSITIONAL or (
            parameter.kind is parameter.POSITIONAL_ONLY and index >= len(valid.positional)
        ):
            yield parameter.name, attrs.evolve(valid, positional=(*valid.positional, wrong))
        elif index < len(valid.positional):
            values = (*valid.positional[:index], wrong, *valid.positional[index + 1 :])
            yield parameter.name, attrs.evolve(valid, positional=values)
        else:
            yield parameter.name, attrs.evolve(valid, keywords={**valid.keywords, parameter.name: wrong})


def _exported() -> Iterator[tuple[str, Any]]:
    """Yield the classes and functions of the public modules, each once."""
    seen: set[int] = set()
    for name in MODULES:
        module = importlib.import_module(name)
        listed = getattr(module, "__all__", None)
        for one in listed or [one for one in vars(module) if not one.startswith("_")]:
            thing = getattr(module, one)
            is_own = _is_ours(thing) if listed else getattr(thing, "__module__", None) == module.__name__
            if callable(thing) and is_own and id(thing) not in seen:
                seen.add(id(thing))
                yield f"{module.__name__}.{one}", thing


def _is_ours(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "cstar_async"


def _has_methods(cls: type) -> bool:
    return any(not name.startswith("_") and _is_ours(getattr(cls, name)) and callable(getattr(cls, name)) for name in dir(cls))


def _add_methods(
    targets: dict[object, Target], owner: type, instance: object, path: tuple[str, ...], name: str, seen: set[type]
) -> None:
    for attribute in dir(instance):
        if attribute.startswith("_"):
            continue
        try:
            value = getattr(instance, attribute)
        except CStarError:
            continue
        target = Target(f"{name}.{attribute}", owner, (*path, attribute))
        if inspect.isroutine(value):
            function = getattr(value, "__func__", value)
            if _is_ours(function) and not function.__module__.startswith("cstar_async.api"):
                targets.setdefault(function, target)
        elif _is_ours(type(value)) and not isinstance(value, (str, int)) and type(value) not in seen:
            seen.add(type(value))
            if callable(value):
                targets.setdefault(type(value), target)
            _add_methods(targets, owner, value, target.path, target.name, seen)


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        signature = inspect.signature(function)
    except ValueError:  # of a class without a constructor of its own, such as an OpenEnum
        return [inspect.Parameter("value", inspect.Parameter.POSITIONAL_ONLY)]
    return [one for one in signature.parameters.values() if not one.name.startswith("_")]


def _keywords(parameter: inspect.Parameter) -> list[str]:
    """Return the names that `**options: Unpack[Options]` takes. Any other `**kwargs` are passed on to a function of the caller."""
    options = str(parameter.annotation).removeprefix("Unpack[").removesuffix("]")
    for module in ("cstar_async.client", "cstar_async.library"):
        found = getattr(importlib.import_module(module), options, None)
        if found is not None:
            return sorted(found.__annotations__)
    return []


def _sample(function: Callable[..., Any], parameter: str, environment: Environment) -> Any:
    module = function.__module__.rpartition(".")[2]
    for key in (f"{function.__name__}.{parameter}", f"{module}.{parameter}", parameter):
        if key in SAMPLES:
            return SAMPLES[key](environment)
    return "a"

"""How a schema says what can be done for many objects at once. Each thing is declared once.

The stock executor calls a resolver object by object; what is made here serves it, too.
"""

import inspect
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Protocol, TypeVar, get_args, get_origin

import strawberry
from strawberry.dataloader import DataLoader

F = TypeVar("F", bound=Callable[..., Any])

Many = Callable[..., Awaitable[Sequence[Any]]]
"""Takes parents, Info and the field's arguments; gives a value, or an exception, for each parent in order."""
Convert = Callable[[Any], Any]


class HasLoaders(Protocol):
    """What a context has to offer: dataloaders that live as long as one answer, by name."""

    loaders: dict[Hashable, DataLoader[Any, Any]]


def batched(many: Many) -> Callable[..., Awaitable[Any]]:
    """Make a resolver of a function that resolves a field for many parents at once.

    `many(parents, info, **arguments)` is annotated to give `list[T]` for a field of type `T`. An item may also be an
    exception, for its parent alone. The breadth-first executor calls it as it is; for the stock executor, which
    resolves parent by parent, a dataloader gathers the parents of equal arguments and calls it.
    """

    async def resolve(parent: Any, info: Any, **arguments: Any) -> Any:
        loaders: dict[Hashable, DataLoader[Any, Any]] = info.context.loaders
        name = (many, frozen(arguments))
        loader = loaders.get(name)
        if loader is None:

            async def load(parents: list[Any]) -> Sequence[Any]:
                return await many(parents, info, **arguments)

            loader = loaders[name] = DataLoader(load, cache=False)
        return await loader.load(parent)

    signature = inspect.signature(many)
    parents, *others = signature.parameters.values()
    parent = parents.replace(name="parent", annotation=strawberry.Parent[Any])  # type: ignore[misc]
    resolve.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[parent, *others], return_annotation=_of_one(signature.return_annotation)
    )
    resolve.__annotations__ = {
        **{parameter.name: parameter.annotation for parameter in (parent, *others)},
        "return": _of_one(signature.return_annotation),
    }
    resolve.__module__, resolve.__qualname__ = many.__module__, many.__qualname__
    resolve.__name__, resolve.__doc__ = many.__name__, many.__doc__
    resolve.many = many  # type: ignore[attr-defined]
    return resolve


def _of_one(annotation: Any) -> Any:
    if get_origin(annotation) is not list:
        raise TypeError(f"{annotation} is no list: a batched function gives a list, with one item for each parent")
    return get_args(annotation)[0]


def frozen(value: Any) -> Hashable:
    """A key that is equal for equal arguments."""
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value), *(frozen(getattr(value, field.name)) for field in fields(value)))
    if isinstance(value, dict):
        return ("{}", *((name, frozen(item)) for name, item in value.items()))
    if isinstance(value, list | tuple):
        return ("[]", *(frozen(item) for item in value))
    return (type(value), value)


def column(name: str, type_: Any, convert: Callable[[Any], Convert | None]) -> Callable[..., Any]:
    """Make a resolver of an attribute of the parent and of what is done to it for whom.

    Args:
        name: the attribute.
        type_: the type of the field.
        convert: given the context, what makes the field's value of an attribute that is not None; None if it is that.
            What it gives may have a method `changes_none(values)`, which tells of a whole column, None among its
            values, that it is answered as it is.
    """

    def resolve(parent: Any, info: Any) -> Any:
        value = getattr(parent, name)
        made = None if value is None else convert(info.context)
        return value if made is None else made(value)

    resolve.__name__ = name
    resolve.__annotations__ = {"parent": strawberry.Parent[Any], "info": strawberry.Info, "return": type_}  # type: ignore[misc]
    resolve.column, resolve.convert = name, convert  # type: ignore[attr-defined]
    return resolve


def reads(*columns: str) -> Callable[[F], F]:
    """Say which attributes of the parent a resolver looks at, for who reads no more of it than is looked at."""

    def note(resolver: F) -> F:
        resolver.reads = frozenset(columns)  # type: ignore[attr-defined]
        return resolver

    return note


def by_class(is_type_of: F) -> F:
    """Say that `is_type_of` looks at the value's class alone, so that one of each class needs to be asked about."""
    is_type_of.by_class = True  # type: ignore[attr-defined]
    return is_type_of

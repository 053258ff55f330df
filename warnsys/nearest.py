"""The name that somebody meant who wrote one that is not there: "did you mean 'sources'?"."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """What to put behind an error: "; did you mean 'sources'?", or nothing where no name is near."""
    small = {name.casefold(): name for name in known}
    near = get_close_matches(str(word).casefold(), small, n=1)
    return f"; did you mean {small[near[0]]!r}?" if near else ""


def no_such_key(model: type[BaseModel], place: Sequence[int | str]) -> str:
    """What is wrong with a key that a model of settings does not have, with the one that was meant.

    `place` is where it stands, as pydantic gives it: ("cities", 0, "nam").
    """
    kind: type[BaseModel] | None = model
    for part in place[:-1]:
        if isinstance(part, int) or kind is None:
            continue
        field = kind.model_fields.get(part)
        kind = _model_in(field.annotation) if field else None
    known = [field.alias or name for name, field in kind.model_fields.items()] if kind else []
    return f"there is no such key here{did_you_mean(place[-1], known)}"


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model of a field, also of one in a list or of one that may be missing."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)

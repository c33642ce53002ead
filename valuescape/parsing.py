"""Parsing of untrusted files into bounded models; an error is one sentence that names the field."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from valuescape.sim.errors import UsageError, cut, escaped, shown

_LONGEST_NAME = 100

_Model = TypeVar("_Model", bound=BaseModel)
_Values = TypeVar("_Values")


class Part(BaseModel):
    """Base of all models of files: no conversions, no NaN or infinity, immutable."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


def parse_json(content: bytes, model: type[_Model], refuse: Callable[[str], UsageError]) -> _Model:
    """Return JSON as a model. refuse: turns a complaint into the error that is raised."""
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise refuse(first_complaint(error)) from None


def first_complaint(error: ValidationError) -> str:
    """Return pydantic's first complaint in words: `cells.0.agents = 'x', expected a valid integer`."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return f"it is no JSON: {first['ctx']['error']}"
    name = cut(".".join(map(str, first["loc"])), _LONGEST_NAME)
    if first["type"] == "missing":
        return f"{name} is missing"
    if first["type"] == "extra_forbidden":
        return f"{name} is unknown"
    said = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    return f"{name} = {shown(first['input'])}, {said}"


def at_most(count: int) -> BeforeValidator:
    """Return a validator that limits a list or a table to `count` entries, before any entry is checked.

    Without it, each of millions of wrong entries would become an error of its own.
    """

    def check(values: Any) -> Any:
        if isinstance(values, list | dict) and len(values) > count:
            raise ValueError(f"expected at most {count:,} entries, found {len(values):,}")
        return values

    return BeforeValidator(check)


def _plain(value: Any) -> Any:
    if value is not None and not isinstance(value, bool | int | float | str):
        raise ValueError("expected a number, a text, true or false")
    return escaped(value) if isinstance(value, str) else value


Figure = Annotated[float, Field(ge=-1e18, le=1e18)]
"""A finite number, small enough that sums and differences stay finite."""

Count = Annotated[int, Field(ge=0, lt=2**62)]
Text = Annotated[str, Field(max_length=300), AfterValidator(escaped)]
"""A name or a sentence, with control characters escaped."""

Plain = Annotated[Any, AfterValidator(_plain)]
"""The value of a setting: a number, text, boolean or None."""

"""Maps and rollouts as objects of libraries that need not be installed."""

from typing import TYPE_CHECKING, Any

from valuescape.sim.errors import UsageError
from valuescape.sim.worlds.base import DiscreteAction, Variable

if TYPE_CHECKING:
    from valuescape.library.grid import Map
    from valuescape.library.rollouts import Rollouts


def map_as_xarray(given: "Map") -> Any:
    """Return a map as an `xarray.DataArray`."""
    try:
        import xarray
    except ModuleNotFoundError:
        raise _absent("Map.to_xarray", "xarray") from None
    x, y = given.plane.variables
    y_name = y.name if y.name != x.name else f"{y.name} (y)"
    return xarray.DataArray(
        given.values.copy(),
        dims=(y_name, x.name),
        coords={
            x.name: (x.name, given.x, {"units": x.unit}),
            y_name: (y_name, given.y, {"units": y.unit}),
        },
        name=given.name,
        attrs={
            "long_name": given.label,
            "units": given.unit,
            "world": given.plane.world.name,
            "source": given.source,
            **{f"slice {name}": value for name, value in given.slice.items()},
        },
    )


def rollouts_as_pandas(given: "Rollouts") -> Any:
    """Return rollouts as a `pandas.DataFrame`."""
    try:
        import pandas
    except ModuleNotFoundError:
        raise _absent("Rollouts.to_pandas", "pandas") from None
    world = given.model.world
    columns: dict[str, Any] = {"episode": given.episode, "step": given.step}
    columns |= _named("state", world.state, given.state)
    if isinstance(world.action, DiscreteAction):
        columns["action"] = given.action
    else:
        columns |= _named("action", world.action.variables, given.action)
    return pandas.DataFrame(columns | {"reward": given.reward, "value": given.value})


def _named(kind: str, variables: tuple[Variable, ...], rows: Any) -> dict[str, Any]:
    return {f"{kind} {each.name}": rows[:, at].copy() for at, each in enumerate(variables)}


def _absent(what: str, package: str) -> UsageError:
    return UsageError(f"{what} needs {package}, which is not installed", f"pip install {package}")

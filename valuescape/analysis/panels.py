"""The panels of figures: which field of an analysis, in which colours, over which range."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from valuescape.analysis.differences import MapDifference
from valuescape.analysis.maps import Maps, Visits

FADED = 0.25
"""Opacity of an error that its interval does not part from zero."""

_REACH = 2.0
_UNSEEN = 0.12
"""Opacity of a cell that no episode came to, where maps fade by visits."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One map of a figure."""

    title: str
    label: str  # of the colour bar
    field: NDArray[Any]
    colors: str
    low: float
    high: float
    opacity: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """The ranges of the colours of belief, truth and error: one for all maps that are to be compared.

    Belief may reach beyond the truth by twice the truth's range, so that a critic that diverged leaves the
    truth its colours; what is farther off has the colour of the end.
    """

    low: float
    high: float
    error: float
    """The error's range is symmetric, so that white is none."""

    @classmethod
    def of(cls, beliefs: Sequence[NDArray[Any]], truths: Sequence[NDArray[Any]]) -> Self:
        """Return the ranges of fields: of each belief [edge, edge] and the truth at the same place."""
        errors = [belief - truth for belief, truth in zip(beliefs, truths, strict=True)]
        (low, high), (least, most) = _ends(truths), _ends(beliefs)
        reach = _REACH * (high - low) if high > low else math.inf
        return cls(min(low, max(least, low - reach)), max(high, min(most, high + reach)), most_of(errors))


def leading_panels(
    value: NDArray[Any], truth: NDArray[Any], significant: NDArray[np.bool_], domain: Domain
) -> dict[str, Panel]:
    """Return the panels of belief, truth and error; errors that are not significant are pale."""
    low, high, most = domain.low, domain.high, domain.error
    pale = np.where(significant, 1.0, FADED)
    return {
        "value": Panel("belief: the critic's value", "V(s)", value, "viridis", low, high),
        "truth": Panel("truth: the return that follows", "G(s)", truth, "viridis", low, high),
        "error": Panel("error: belief − truth", "V(s) − G(s)", value - truth, "RdBu_r", -most, most, pale),
    }


def labelled(panels: Mapping[str, Panel], label: str) -> dict[str, Panel]:
    """Return panels with `label` before their names, and in place of what their titles explain."""
    return {
        f"{label} {name}": replace(panel, title=f"{label}: {panel.title.partition(':')[0]}")
        for name, panel in panels.items()
    }


def panels(
    maps: Maps, significant: NDArray[np.bool_], *, domain: Domain | None = None, min_visits: float = 1.0
) -> dict[str, Panel]:
    """Return the maps by name: those that lead, then how rollouts end, then what episodes show.

    `outcome` is left out where it is the same in all cells, `half_width` where one rollout is certain.
    domain: of the colours; the maps' own if not given. min_visits: fewer steps in a cell let it fade in
    `value_supported` and `error_supported`.
    """
    truth = maps.truth
    domain = domain or Domain.of([maps.value], [truth.value])
    found = leading_panels(maps.value, truth.value, significant, domain)
    longest = float(np.nanmax(truth.steps))
    found["steps"] = Panel("length of the rollout", "steps", truth.steps, "magma", 0, longest)
    if np.ptp(truth.terminated) > 0:
        share = truth.terminated
        found["outcome"] = Panel("share that terminates", "share", share, "cividis", 0, 1)
    if maps.random:
        width = np.where(np.isfinite(truth.half_width), truth.half_width, np.nan)
        title = "how sure the truth is: half its 95 % interval"
        found["half_width"] = Panel(title, "± G(s)", width, "magma", 0, _most(width))
    if maps.visits is not None:
        found |= _seen_panels(maps.visits, domain.error)
        found |= _supported(found, maps.support(min_visits))
    return found


def _seen_panels(visits: Visits, most: float) -> dict[str, Panel]:
    """Return what the episodes show; errors are on the scale of the map's, TD errors on their own."""
    count = np.log10(np.where(visits.count > 0, visits.count, np.nan))
    most_visits = max(float(np.nanmax(count)), 1e-9)
    largest = _most(visits.td_error)
    return {
        "visits": Panel("visits by episodes", "log₁₀ of steps", count, "Greys", 0, most_visits),
        "realised_error": Panel(
            "error seen by episodes", "mean of V − G", visits.error, "RdBu_r", -most, most
        ),
        "td_error": Panel(
            "TD error seen by episodes",
            "mean of r + γV(s') − V(s)",
            visits.td_error,
            "PuOr_r",
            -largest,
            largest,
        ),
    }


def _supported(found: Mapping[str, Panel], support: NDArray[np.float64]) -> dict[str, Panel]:
    """Return belief and error again, faded where no or few steps came."""
    opacity, shown = _UNSEEN + (1 - _UNSEEN) * support, {}
    for name, title in (("value", "belief"), ("error", "error")):
        panel = found[name]
        own = opacity if panel.opacity is None else opacity * panel.opacity
        shown[f"{name}_supported"] = replace(panel, title=f"{title}, faded without visits", opacity=own)
    return shown


def difference_panels(difference: MapDifference, one: str, other: str, most: float) -> dict[str, Panel]:
    """Return the panels of belief and truth of a checkpoint less those of another, by their names.

    most: the end of the colours, which are symmetric. Differences in truth that may be chance are pale.
    """
    pale = np.where(difference.significant, 1.0, FADED)
    value, truth = difference.value, difference.truth
    return {
        "value": Panel(f"belief: {one} − {other}", "difference of V(s)", value, "RdBu_r", -most, most),
        "truth": Panel(f"truth: {one} − {other}", "difference of G(s)", truth, "RdBu_r", -most, most, pale),
    }


def most_of(fields: Sequence[NDArray[Any]]) -> float:
    """Return the end of symmetric colours for all fields: but for the half percent farthest from zero."""
    return max(_most(each) for each in fields)


def _ends(fields: Sequence[NDArray[Any]]) -> tuple[float, float]:
    known = [each[np.isfinite(each)] for each in fields]
    return (
        min(float(each.min(initial=math.inf)) for each in known),
        max(float(each.max(initial=-math.inf)) for each in known),
    )


def _most(field: NDArray[Any]) -> float:
    known = np.abs(field[np.isfinite(field)])
    return (float(np.quantile(known, 0.995)) if known.size else 0.0) or 1.0

"""The declaration of a setting: its default, bounds, unit, and how it can be changed during a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, TypedDict, Unpack

from pydantic import Field
from pydantic.fields import FieldInfo


class Group(StrEnum):
    """The headings of the panel beside the picture, from top to bottom.

    Below them is one for each section of the configuration, with the settings that declare no widget.
    """

    RUN = "Run"
    WORLD = "World"
    VIEW = "View"
    FIELDS = "Fields"
    INSIGHT = "Insight"
    TRAILS = "Trails and agents"
    SLICE = "Axes and slice"
    EFFECTS = "Effects"
    HEALTH = "Health"


class Live(Enum):
    """The part of a running program that takes over a live setting's new value."""

    LOOKS = "looks"
    """`render.view.looks.Looks`, which is read for each picture. A new setting needs nothing else."""

    VIEW = "view"
    """An attribute of `render.view.viewer.Viewer` that keys and pointer change too."""

    RUN = "run"
    """The engine, the landscape or the scene, through `valuescape.run.controls.Controls`."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The widget of a setting in the panel.

    group, place: the heading it stands under and its position there, counted with the widgets that change no
    setting. label: the text beside it; several where several widgets share the setting. low, high: the ends
    of a slider. form: how its number is printed, as C's printf does. What is not given here follows from the
    setting's bounds, default and unit (`valuescape.render.panel.ends`). let_go: whether a new value takes
    long to take effect, so that it counts once the widget is let go.
    """

    group: Group
    place: int
    label: str | tuple[str, ...]
    low: float | None = None
    high: float | None = None
    form: str = ""
    logarithmic: bool | None = None
    let_go: bool = False

    @property
    def labels(self) -> Sequence[str]:
        """The text beside each of its widgets."""
        return (self.label,) if isinstance(self.label, str) else self.label


@dataclass(frozen=True, slots=True)
class Setting:
    """The properties of a setting beside its type, bounds, default and description.

    unit: of a numeric setting; "" for counts, shares and other numbers without one. live: what takes over a
    new value during a run; None if a new value needs a new run. panel: None if the panel does not show it.
    once: it is read when the program starts, and not again when a run begins anew.
    """

    unit: str | None = None
    live: Live | None = None
    panel: Panel | None = None
    once: bool = False

    @property
    def applies(self) -> str:
        """When a new value counts: live, after a restart of the run, or at the next start of the program."""
        return "live" if self.live else "next start" if self.once else "restart"

    def __call__(self, schema: dict[str, Any]) -> None:
        """Add unit and liveness to the JSON schema of the field."""
        schema["live"] = self.live is not None
        if self.unit is not None:
            schema["unit"] = self.unit


class Bounds(TypedDict, total=False):
    """Bounds of a setting's value, as pydantic's `Field` takes them."""

    ge: float
    gt: float
    le: float
    lt: float
    max_length: int


def setting(
    default: Any,
    description: str,
    *,
    unit: str | None = None,
    live: Live | None = None,
    panel: Panel | None = None,
    once: bool = False,
    **bounds: Unpack[Bounds],
) -> Any:
    """Return the field of a section for a setting; its type is the field's annotation.

    description: what the setting is, without its unit. bounds: `ge`, `gt`, `le`, `lt`; `max_length` of text.
    """
    return Field(
        default, description=description, json_schema_extra=Setting(unit, live, panel, once), **bounds
    )


def declaration(field: FieldInfo) -> Setting:
    """Return what `setting` declared of a field; a field made otherwise has neither unit nor widget."""
    extra = field.json_schema_extra
    return extra if isinstance(extra, Setting) else Setting()

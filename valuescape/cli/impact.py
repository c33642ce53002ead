"""The command `impact`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuescape.cli.code import NO_CODE, Code, takes_code
from valuescape.cli.console import read_config, say_lines
from valuescape.cli.measuring import Files, exit_status
from valuescape.cli.options import (
    Debug,
    HtmlFile,
    JsonFile,
    Overrides,
    Preset,
)
from valuescape.cli.progress import progress_bar
from valuescape.cli.terminal import out
from valuescape.cli.text_table import say_rows

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config
    from valuescape.studies.impact import Variant, Worth


@takes_code
def impact(
    preset: Preset = "demo",
    seconds: Annotated[float, typer.Option(min=0.3, help="Of each run.")] = 3.0,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each setting of the switches.")] = 3,
    overrides: Overrides = None,
    code: Code = NO_CODE,
    as_json: JsonFile = None,
    report: HtmlFile = Path("runs/impact.html"),
    debug: Debug = False,
) -> int:
    """Measure the gain of each switch of [features] on this machine, and check that both paths agree.

    Turns each off alone, all off and all on, in mixed order; compares states and pictures of both paths. Ends
    with status 1 if they differ. Ctrl-C keeps what was measured.

    [bold]Example[/]  valuescape impact --set agents.count=1000
    """
    from valuescape.run.validate import validate
    from valuescape.sim.interrupts import Interrupts
    from valuescape.studies.impact import SWITCHES, agreements, judge, measure, variants

    config = read_config(preset, overrides, code)
    validate(config)
    files = Files(report, as_json)
    files.require()
    found: Sequence[Variant] = variants()
    steps = len(SWITCHES) + len(found) * repeats
    with Interrupts() as interrupts, progress_bar(total=steps) as update:

        def step(text: str) -> None:
            update(advance=1, state=text)

        agreement = agreements(config, interrupts, step)
        for found in measure(config, seconds, repeats, interrupts, step):  # noqa: B007
            pass
    worths = judge(found, agreement)
    if not worths:
        return 130
    _tell(config, found, worths, files)
    return exit_status(interrupts, failed=any("DIFFER" in said for said in agreement.values()))


def _tell(config: "Config", found: Sequence["Variant"], worths: Sequence["Worth"], files: Files) -> None:
    from valuescape.studies.impact import as_json
    from valuescape.studies.impact_report import impact_lines, impact_page, impact_table

    say_rows(out, impact_table(worths))
    say_lines(impact_lines(found))
    files.write(impact_page(config, found, worths), as_json(found, worths), config)

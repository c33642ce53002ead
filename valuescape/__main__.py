"""The program's entry point; light, since every worker process imports it again."""

import os
import signal
import sys


def main() -> None:
    """Run the command line and exit with its status."""
    signal.signal(signal.SIGINT, _leave)
    try:
        from valuescape.cli.app import run_cli

        status = run_cli()
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _leave(_number: int, _frame: object) -> None:
    """End at once: no command has begun, and interrupted imports can print arbitrary errors."""
    os._exit(130)


def _leave_current_folder() -> None:
    """Take the current folder off the path of modules, where `python -m` puts it.

    It may be a stranger's, whose configuration names a module that registers environments.
    """
    clone = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH120, PTH100 (kept light)
    if not sys.flags.safe_path and os.path.realpath(sys.path[0]) != os.path.realpath(clone):
        del sys.path[0]


if __name__ == "__main__":
    _leave_current_folder()
    main()

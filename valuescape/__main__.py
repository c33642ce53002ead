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


if __name__ == "__main__":
    main()

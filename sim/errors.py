"""The one kind of error that is the user's to mend."""


class UsageError(Exception):
    """Something the user gave cannot be used: shown in one or two lines, exit status 2, no traceback.

    The message names the file and key, the value found, and what was expected; `hint` says what to do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message}\n  {self.hint}" if self.hint else message

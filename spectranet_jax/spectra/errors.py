"""The one error that a user sees."""


class InputError(ValueError):
    """What the user gave cannot be used.

    The message is one sentence that names the file or row, says what is wrong with it, and what
    to do. Commands print it alone, without a traceback, and exit with status 2.
    """

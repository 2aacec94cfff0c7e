"""The error for invalid user input."""


class InputError(ValueError):
    """A user's input that cannot be used.

    The message is one sentence that names the file or row, says what is wrong with it, and what to
    do. Commands print it alone, without a traceback, and exit with status 2.
    """

"""The one error a user can cause; the command line prints it as a single line and exits with 2."""


class InputError(ValueError):
    """Says in one line what was given, what was expected and what to do."""

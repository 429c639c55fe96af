"""Exit codes, as the README lists them; click itself gives 2 for a wrong command line."""

FIXABLE = 1
SOME_FAILED = 3
STOPPED = {"SIGINT": 130, "SIGTERM": 143}
"""As shells give them: 128 and the signal's number."""

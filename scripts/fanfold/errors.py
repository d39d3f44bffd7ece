"""Errors that are shown to the user as they are, without a traceback."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType


class FanfoldError(Exception):
    """A failure that we can explain: its text says where, what, and what to do."""


class ConfigError(FanfoldError):
    """Mistakes in an experiment: one line each, all of them at once."""

    def __init__(self, problems: str | Iterable[str]) -> None:
        """Take one line per mistake: `key.path: what is wrong; what to write instead`."""
        lines = [problems] if isinstance(problems, str) else problems
        self.problems = [" ".join(line.splitlines()) for line in lines]
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type, tuple[list[str]]]:
        """Survive pickling with the list of problems intact."""
        return (type(self), (self.problems,))


class _Collector(AbstractContextManager["_Collector"]):
    """Keeps the problems of the ConfigErrors raised in its blocks, and lets the program go on."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if isinstance(error, ConfigError):
            self.problems += error.problems
            return True
        return False


@contextmanager
def collected_problems() -> Iterator[_Collector]:
    """Run several checks, each in `with collect:`, and raise all their problems as one error."""
    collect = _Collector()
    yield collect
    if collect.problems:
        raise ConfigError(dict.fromkeys(collect.problems))  # two checks may find the same

"""Ctrl-C ends a run after the step that is at work, so that its state can be kept."""

import signal
import sys

EXIT = 130  # what a shell takes for "ended by Ctrl-C"


class Interrupt:
    """While it is entered, `asked` tells whether Ctrl-C was pressed; a second one ends at once."""

    def __init__(self):
        self.asked = False

    def __enter__(self) -> "Interrupt":
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, *_) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def leave(name: str, step: int) -> None:
    """Ends the program, whose state is kept."""
    print(f"{name}: stopped after step {step}; the same command goes on from there", file=sys.stderr, flush=True)
    raise SystemExit(EXIT)

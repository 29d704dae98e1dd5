"""What the person at the terminal sees: a spinner per step where there is a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Terminal:
    """Everything goes to standard error, except `show`: what a program may want to read."""

    def __init__(self) -> None:
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)
        self._out = Console(highlight=False, soft_wrap=True)
        self._interactive = sys.stderr.isatty()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show that `text` is under way and, when it is done, how long it took."""
        began = time.monotonic()
        if self._interactive:
            with self._err.status(escape(text)):
                yield
        else:
            yield
        self._err.print(f"[green]✓[/green] {escape(text)} [dim]{time.monotonic() - began:.1f} s[/dim]")

    def say(self, text: str) -> None:
        self._err.print(escape(text))

    def warn(self, text: str) -> None:
        self._err.print(f"[yellow]![/yellow] {escape(text)}")

    def fail(self, text: str) -> None:
        self._err.print(f"[red]✗[/red] {escape(text)}")

    def show(self, text: str) -> None:
        self._out.print(text, markup=False)

"""The display of a run on a terminal: what has finished above, what is going on below."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from rich.console import Group, RenderableType  # noqa: TID253 - imported only where there is a terminal to draw on
from rich.live import Live  # noqa: TID253 - see above
from rich.progress_bar import ProgressBar  # noqa: TID253 - see above
from rich.table import Table  # noqa: TID253 - see above
from rich.text import Text  # noqa: TID253 - see above

from odibi_core.cli.output import COLOURS, Output, describe_seconds
from odibi_core.cli.terminal import console_of

if TYPE_CHECKING:
    from odibi_core.cli.progress import Finished, RunWatch

__all__ = ["LiveDisplay"]

_SECONDS_BETWEEN_DRAWINGS: Final = 0.1
_MOST_RUNNING_SHOWN: Final = 5
_BAR_FROM_WIDTH: Final = 50


class LiveDisplay:
    """Draws a run on a terminal, ten times a second, on a thread of its own that ends with the block.

    Events only leave their lines here: drawing for each would cost a run of many small transformations more than they
    do themselves.

    Args:
        output: The terminal.
    """

    def __init__(self, output: Output) -> None:
        self._console = console_of(output)
        self._watch: RunWatch | None = None
        self._lines: deque[Text] = deque()
        self._begun = time.monotonic()
        self._done = threading.Event()
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            auto_refresh=False,
            transient=True,
            # What goes to a file through 2> must not come to the terminal.
            redirect_stderr=sys.stderr.isatty(),
        )
        self._thread = threading.Thread(target=self._keep_drawing, name="odibi-display")

    def __enter__(self) -> Self:
        self._live.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._done.set()
            self._thread.join()
            self._print_lines()
        finally:
            self._live.stop()

    def began(self, watch: RunWatch) -> None:
        """Note the run that is to be drawn."""
        self._watch = watch
        self._begun = time.monotonic()
        self._lines.append(Text(f"Run {watch.run_id} of {watch.title}"))

    def told(self, finished: Finished) -> None:
        """Note what has become of a transformation."""
        line = Text(finished.describe())
        line.stylize(COLOURS.get(finished.status, ""), 0, len(finished.status))
        if finished.status == "FAILED":
            line.stylize("red")
        self._lines.append(line)

    def _keep_drawing(self) -> None:
        while not self._done.wait(_SECONDS_BETWEEN_DRAWINGS):
            try:
                self._print_lines()
                self._live.refresh()
            except OSError:
                return  # the terminal has gone; the run has not

    def _print_lines(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if lines:
            self._console.print(Text("\n").join(lines))

    def _draw(self) -> RenderableType:
        watch = self._watch
        if watch is None:
            return Text("reading the project and planning", style="dim")
        return Group(self._summary(watch), *self._running(watch))

    def _summary(self, watch: RunWatch) -> RenderableType:
        counted = f"{watch.done}/{watch.total}" if watch.total else f"{watch.done} done"
        parts: list[RenderableType] = [Text(counted, style="bold")]
        if watch.failed:
            parts.append(Text(f"{watch.failed} failed", style="red"))
        parts.append(Text(describe_seconds(time.monotonic() - self._begun)))
        if watch.total and self._console.width >= _BAR_FROM_WIDTH:
            parts.insert(0, ProgressBar(total=watch.total, completed=watch.done, width=20))
        if watch.is_interrupted:
            parts.append(Text("interrupted", style="yellow"))
        grid = Table.grid(padding=(0, 2))
        grid.add_row(*parts)
        return grid

    def _running(self, watch: RunWatch) -> Iterator[Text]:
        # A copy, because worker threads change the dictionary while it is drawn.
        running = list(watch.running.copy().items())
        if watch.is_interrupted and running:
            yield _one_line("waiting for what is running; Ctrl-C again leaves at once", style="yellow")
        now = time.monotonic()
        for name, started in running[:_MOST_RUNNING_SHOWN]:
            yield _one_line(f"  {name}  {describe_seconds(now - started)}", style="cyan")
        if len(running) > _MOST_RUNNING_SHOWN:
            yield _one_line(f"  and {len(running) - _MOST_RUNNING_SHOWN} more", style="dim")


def _one_line(text: str, *, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")

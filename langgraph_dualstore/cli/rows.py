"""Tables that are printed a few rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from langgraph_dualstore.cli.texts import shortened

_GAP = 2


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        heading: Its heading.
        right: Whether it is aligned to the right.
        least: To how many cells it is shortened where a terminal is too narrow; `None` if
            it is left whole.
    """

    heading: str
    right: bool = False
    least: int | None = None


class Rows:
    """Prints rows below headings. They fit a terminal; in a pipe they are whole.

    Args:
        console: Where to print.
        columns: The columns.

    Attributes:
        cut: Whether anything had to be shortened.
    """

    def __init__(self, console: Console, columns: Sequence[Column]) -> None:
        self.cut = False
        self._console = console
        self._columns = columns
        self._widest = [cell_len(column.heading) for column in columns]
        self._begun = False

    def print(self, rows: Sequence[Sequence[str]]) -> None:
        """Print rows; the headings first if they are the first ones."""
        for at, cells in enumerate(zip(*rows, strict=True)):
            self._widest[at] = max(self._widest[at], *map(cell_len, cells))
        widths = self._widths()
        if rows and not self._begun:
            self._begun = True
            self._line([column.heading for column in self._columns], widths, "bold")
        for row in rows:
            self._line(row, widths)

    def _widths(self) -> list[int]:
        widths = list(self._widest)
        if not self._console.is_terminal:
            return widths
        excess = sum(widths) + _GAP * (len(widths) - 1) - self._console.width
        while excess > 0:
            spare = [
                at for at, column in enumerate(self._columns) if self._gives(column, widths[at])
            ]
            if not spare:
                break
            widths[max(spare, key=widths.__getitem__)] -= 1
            excess -= 1
        return widths

    def _gives(self, column: Column, width: int) -> bool:
        return column.least is not None and width > max(column.least, cell_len(column.heading))

    def _line(self, row: Sequence[str], widths: Sequence[int], style: str = "") -> None:
        cells: list[str] = []
        for text, width, column in zip(row, widths, self._columns, strict=True):
            shown = shortened(text, width)
            self.cut |= shown != text
            padding = " " * (width - cell_len(shown))
            cells.append(padding + shown if column.right else shown + padding)
        line = (" " * _GAP).join(cells).rstrip()
        self._console.print(Text(line, style), soft_wrap=True)

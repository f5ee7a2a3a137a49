"""The commands that reports show for a study and its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reno_cli.study_commands import cell_command, study_command
from reno_cli.wording import remedy_command

if TYPE_CHECKING:
    from reno_store.studies import Cell, Study

__all__ = ["ShellCommands"]


class ShellCommands:
    """Commands for a POSIX shell."""

    def study(self, study: Study) -> str:
        """Return the command that runs a study."""
        return study_command(study.request, study.store, study.results)

    def cell(self, study: Study, cell: Cell) -> str:
        """Return the command that computes a cell, or what it lacks."""
        if cell.remedy is not None:
            return remedy_command(cell.remedy)
        return cell_command(study, cell)

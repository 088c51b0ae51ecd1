"""What an import did: how many images came in, and which rows were left out and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class ImportReport:
    """The outcome of an import; every row or file of the source is either imported or in `rejected`.

    Attributes
    ----------
    imported
        Number of images in the new collection.
    rejected
        (where, why) of each row, file or zip member that was left out; `where` names the file and the line.
    notes
        What else the user should know: labels left out, columns guessed, how many images have coordinates.
    collection
        The folder of the new collection; it does not exist where nothing was imported.
    """

    imported: int
    rejected: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    collection: Path = field(default_factory=Path)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        return {
            "imported": self.imported,
            "rejected": [list(item) for item in self.rejected],
            "notes": self.notes,
            "collection": str(self.collection),
        }

    def to_csv(self) -> bytes:
        """The rejected rows as CSV with the columns `where` and `why`."""
        import pandas as pd

        from urbanlens.collection.export import table_csv

        return table_csv(pd.DataFrame(self.rejected, columns=["where", "why"]))

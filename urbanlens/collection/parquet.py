"""Parquet tables from anywhere, checked before they are believed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from urbanlens.errors import CollectionError


def read_parquet(file: Path) -> pd.DataFrame:
    """Read a table; a kept pandas index is dropped unless it has a name.

    Raises
    ------
    CollectionError
        The file is no Parquet table, or is damaged.
    """
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        # Without the notes that pandas left in the file, which may be damaged and say nothing that is needed.
        table = parquet.read_table(file, partitioning=None).replace_schema_metadata(None)
        table.validate(full=True)
        frame = table.to_pandas()
    except (pyarrow.ArrowException, ValueError, OSError, TypeError) as error:
        raise CollectionError(f"{file} is no Parquet table that can be read ({error}): write it again") from error
    return frame.drop(columns=[name for name in frame.columns if str(name).startswith("__index_level_")])


def column_names(file: Path) -> tuple[list[str], bool]:
    """The columns of a Parquet file, and whether it is a GeoParquet one; ([], False) where it cannot be read."""
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        schema = parquet.read_schema(file)
        return [str(name) for name in schema.names], b"geo" in (schema.metadata or {})
    except (pyarrow.ArrowException, ValueError, OSError):
        return [], False

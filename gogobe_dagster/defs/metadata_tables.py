"""Tables in metadata, as the web UI shows them."""

from collections.abc import Iterable, Mapping

import dagster as dg

Row = Mapping[str, str | int | float | bool | None]


def metadata_table(schema: dg.TableSchema, rows: Iterable[Row]) -> dg.TableMetadataValue:
    """Make a table of rows whose keys are the columns of the schema."""
    return dg.TableMetadataValue([dg.TableRecord(dict(row)) for row in rows], schema)


def table_schema(columns: Mapping[str, str], *, integers: Iterable[str] = ()) -> dg.TableSchema:
    """Make a schema from column names and their descriptions; all are text except `integers`."""
    integer_names = set(integers)
    return dg.TableSchema(
        [
            dg.TableColumn(name, "int" if name in integer_names else "string", description=description)
            for name, description in columns.items()
        ]
    )

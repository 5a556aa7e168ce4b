"""What the definitions of all tables share: metadata with a naming rule, types, how a column is written.

Every table and column has a comment, which is the data dictionary. The tables are `tables` and
`promotion_tables`; `migrate` knows them all.
"""

from collections.abc import Iterable
from typing import Any, Literal

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

Timestamp = sa.DateTime(timezone=True)
Money = sa.Numeric(14, 4)
"""The lake's own decimal: nothing is rounded and nothing can fail to fit. As prices have at most two decimals
and numeric stores base-10,000 digits, the scale of four costs no byte more than a scale of two."""
Exact = sa.Text(collation="C")
"""Text that is compared byte by byte: names decide ties, which must not depend on a server's locale."""


def column(
    name: str,
    type_: sa.types.TypeEngine[Any],
    comment: str,
    *args: sa.schema.SchemaItem,
    null: bool = True,
    key: bool = False,
    default: str | None = None,
    autoincrement: bool | Literal["auto"] = "auto",
) -> sa.Column[Any]:
    """Make a column that says what it is."""
    server_default = None if default is None else sa.text(default)
    return sa.Column(
        name,
        type_,
        *args,
        comment=comment,
        nullable=null and not key,
        primary_key=key,
        server_default=server_default,
        autoincrement=autoincrement,
    )


def one_of(name: str, values: Iterable[str]) -> str:
    """Return the check that a column has one of these values: members of an enum, or texts."""
    return f"{name} in ({', '.join(repr(str(value)) for value in values)})"

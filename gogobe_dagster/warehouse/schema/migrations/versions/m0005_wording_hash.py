"""What a chain says of a product is known again by its hash."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MEANING = "Of these words, as the lake has it: a load that meets it need not read them. Null: not known."


def upgrade() -> None:
    """Add the column; loads fill it as they meet words."""
    op.add_column("chain_product", sa.Column("wording_hash", sa.BigInteger(), comment=MEANING))


def downgrade() -> None:
    """Forget the hashes; nothing else depends on them."""
    op.drop_column("chain_product", "wording_hash")

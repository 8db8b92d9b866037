"""What the gateway needs: providers and aliases added at run time, budgets, complete usage, hourly metrics."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261124_02"
down_revision: str | None = "20261124_01"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
NEW = ("providers", "model_aliases", "budgets", "metrics_hourly")
OWNER_KEY = "fk_usage_owner_id_users"


def upgrade() -> None:
    _create_tables()
    for column in _added():
        op.add_column("usage", column)
    op.create_foreign_key(
        op.f("fk_usage_token_id_api_tokens"), "usage", "api_tokens", ["token_id"], ["id"], ondelete="SET NULL"
    )
    op.create_index("ix_usage_token_time", "usage", ["token_id", "created_at"])
    op.alter_column("usage", "owner_id", existing_type=sa.Uuid(), nullable=True)
    _key_to_owner("SET NULL")
    for table in NEW:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")  # without a policy: closed to `basechat_app`
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO basechat_worker")
        op.execute(f"GRANT SELECT ON {table} TO basechat_read")


def downgrade() -> None:
    op.execute("DELETE FROM usage WHERE owner_id IS NULL")
    _key_to_owner("CASCADE")
    op.alter_column("usage", "owner_id", existing_type=sa.Uuid(), nullable=False)
    op.drop_index("ix_usage_token_time", "usage")
    for column in _added():
        op.drop_column("usage", column.name)
    for table in reversed(NEW):
        op.drop_table(table)


def _key_to_owner(on_delete: str) -> None:
    op.drop_constraint(op.f(OWNER_KEY), "usage", type_="foreignkey")
    op.create_foreign_key(op.f(OWNER_KEY), "usage", "users", ["owner_id"], ["id"], ondelete=on_delete)


def _added() -> tuple[sa.Column[object], ...]:
    """The new columns of `usage`; a column object belongs to one statement."""
    return (
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=16), server_default="chat", nullable=False),
        sa.Column("cached_prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("estimated", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("reserved_tokens", sa.Integer(), nullable=True),
        sa.Column("reserved_cost", sa.Numeric(precision=14, scale=8), nullable=True),
    )


def _create_tables() -> None:
    op.create_table(
        "providers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("base_url", sa.String(length=500), nullable=True),
        sa.Column("api_key", sa.LargeBinary(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("options", JSONB, server_default="{}", nullable=False),
        *_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_providers")),
        sa.UniqueConstraint("name", name=op.f("uq_providers_name")),
    )
    op.create_table(
        "model_aliases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("targets", JSONB, nullable=False),
        sa.Column("fallbacks", JSONB, server_default="[]", nullable=False),
        *_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_aliases")),
        sa.UniqueConstraint("name", name=op.f("uq_model_aliases_name")),
    )
    _create_budgets()
    op.create_table(
        "metrics_hourly",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("minutes", postgresql.ARRAY(sa.Double()), nullable=True),
        sa.PrimaryKeyConstraint("hour", "name", name=op.f("pk_metrics_hourly")),
    )


def _create_budgets() -> None:
    op.create_table(
        "budgets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=8), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("requests_per_minute", sa.BigInteger(), nullable=True),
        sa.Column("tokens_per_minute", sa.BigInteger(), nullable=True),
        sa.Column("tokens_per_day", sa.BigInteger(), nullable=True),
        sa.Column("tokens_per_month", sa.BigInteger(), nullable=True),
        sa.Column("cost_per_day", sa.Numeric(precision=14, scale=8), nullable=True),
        sa.Column("cost_per_month", sa.Numeric(precision=14, scale=8), nullable=True),
        *_times(),
        sa.CheckConstraint("subject IN ('all', 'user', 'token')", name=op.f("ck_budgets_subject")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_budgets_user_id_users"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_tokens.id"], name=op.f("fk_budgets_token_id_api_tokens"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets")),
        sa.UniqueConstraint(
            "subject", "user_id", "token_id",
            name=op.f("uq_budgets_subject_user_id_token_id"), postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_budgets_user_id"), "budgets", ["user_id"])
    op.create_index(op.f("ix_budgets_token_id"), "budgets", ["token_id"])


def _times() -> tuple[sa.Column[object], ...]:
    return tuple(
        sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    )

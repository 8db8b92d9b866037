"""What tools need: calls that wait for approval, checkpoints, receipts, summaries; what finds open jobs and calls."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261124_01"
down_revision: str | None = "20261123_01"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
CALL_STATUSES = "'proposed', 'approved', 'denied', 'started', 'completed', 'failed', 'unknown'"

NEW = ("context_summaries", "tool_receipts")


def upgrade() -> None:
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    op.create_check_constraint(op.f("ck_tool_calls_status"), "tool_calls", f"status IN ({CALL_STATUSES})")
    op.create_index(
        "ix_tool_calls_waiting", "tool_calls", ["expires_at"], postgresql_where=sa.text("status = 'proposed'")
    )
    op.create_index("ix_jobs_running", "jobs", ["lease_until"], postgresql_where=sa.text("status = 'running'"))
    op.create_index("ix_usage_started", "usage", ["created_at"], postgresql_where=sa.text("status = 'started'"))
    _create_tables()
    _secure()
    _create_checkpoints()


def downgrade() -> None:
    op.execute("DROP TABLE agent.checkpoint_writes, agent.checkpoints")
    for table in reversed(NEW):
        op.drop_table(table)
    op.drop_index("ix_usage_started", "usage")
    op.drop_index("ix_jobs_running", "jobs")
    op.drop_index("ix_tool_calls_waiting", "tool_calls")
    op.drop_constraint(op.f("ck_tool_calls_status"), "tool_calls")
    for table, columns in _added().items():
        for column in columns:
            op.drop_column(table, column.name)


def _added() -> dict[str, tuple[sa.Column[object], ...]]:
    """The new columns by table; a column object belongs to one statement."""
    return {
        "chat_sessions": (
            sa.Column("tools", JSONB, nullable=True),
            sa.Column("approved_tools", JSONB, server_default="[]", nullable=False),
        ),
        "runs": (sa.Column("takeovers", sa.Integer(), server_default="0", nullable=False),),
        "tool_calls": (
            sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
            sa.Column("step", sa.Integer(), server_default="0", nullable=False),
            sa.Column("server", sa.String(length=64), server_default="", nullable=False),
            sa.Column("title", sa.String(length=200), server_default="", nullable=False),
            sa.Column("text_at", sa.Integer(), server_default="0", nullable=False),
            sa.Column("input_schema", JSONB, nullable=True),
            sa.Column("approval_key", sa.String(length=64), nullable=True),
            sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        ),
        "mcp_servers": (
            sa.Column("tools", JSONB, nullable=True),
            sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("error", sa.Text(), nullable=True),
        ),
    }


def _create_tables() -> None:
    op.create_table(
        "context_summaries",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_context_summaries_message_id_messages"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_context_summaries_owner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_context_summaries")),
    )
    op.create_index(op.f("ix_context_summaries_owner_id"), "context_summaries", ["owner_id"])
    op.create_table(
        "tool_receipts",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.String(length=100), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("result", JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_tool_receipts_run_id_runs"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_tool_receipts_owner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "call_id", name=op.f("pk_tool_receipts")),
    )
    op.create_index(op.f("ix_tool_receipts_owner_id"), "tool_receipts", ["owner_id"])


def _secure() -> None:
    mine = "owner_id = nullif(current_setting('app.owner_id', true), '')::uuid"
    for table in NEW:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO basechat_app, basechat_worker")
        op.execute(f"GRANT SELECT ON {table} TO basechat_read")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY owner ON {table} USING ({mine}) WITH CHECK ({mine})")


def _create_checkpoints() -> None:
    """The workflow's state of runs that are under way, for workers alone; gone with the run."""
    op.execute("""
        CREATE TABLE agent.checkpoints (
            run_id uuid PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
            checkpoint_id text NOT NULL,
            attempt integer NOT NULL,
            encoding text NOT NULL,
            checkpoint bytea NOT NULL,
            metadata jsonb NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("""
        CREATE TABLE agent.checkpoint_writes (
            run_id uuid NOT NULL REFERENCES agent.checkpoints ON DELETE CASCADE,
            checkpoint_id text NOT NULL,
            task_id text NOT NULL,
            task_path text NOT NULL,
            position integer NOT NULL,
            channel text NOT NULL,
            encoding text NOT NULL,
            value bytea NOT NULL,
            PRIMARY KEY (run_id, checkpoint_id, task_id, position)
        )
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON agent.checkpoints, agent.checkpoint_writes TO basechat_worker")

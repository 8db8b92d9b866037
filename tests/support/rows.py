"""A person with rows in every table, so that a forgotten table shows."""

from typing import Any
from uuid import UUID

from basechat.kit.config import Settings
from basechat.kit.ids import new_id
from tests.support.databases import as_owner

# In the order of their references; `:id` is the owner's, the others are made once per person.
_ROWS = (
    "INSERT INTO user_preferences (user_id, default_model) VALUES (:id, 'echo') ON CONFLICT DO NOTHING",
    "INSERT INTO chat_sessions (id, user_id, title) VALUES (:chat, :id, '제목')",
    """INSERT INTO messages (id, session_id, owner_id, parent_id, branch_id, role, content)
       VALUES (:question, :chat, :id, NULL, :branch, 'user', '질문'),
              (:answer, :chat, :id, :question, :branch, 'assistant', '답')""",
    """INSERT INTO runs (id, session_id, owner_id, branch_id, user_message_id, message_id, status)
       VALUES (:run, :chat, :id, :branch, :question, :answer, 'completed')""",
    "INSERT INTO run_texts (run_id, owner_id, attempt, content) VALUES (:run, :id, 1, '답')",
    "INSERT INTO tool_calls (id, run_id, owner_id, call_id, name) VALUES (:call, :run, :id, 'c1', 'current_time')",
    """INSERT INTO agent.checkpoints (run_id, checkpoint_id, attempt, encoding, checkpoint, metadata)
       VALUES (:run, 'c', 1, 'msgpack', '\\x00', '{}')""",
    """INSERT INTO agent.checkpoint_writes
       (run_id, checkpoint_id, task_id, task_path, position, channel, encoding, value)
       VALUES (:run, 'c', 't', '', 0, 'x', 'msgpack', '\\x00')""",
    "INSERT INTO tool_receipts (run_id, call_id, owner_id, result) VALUES (:run, 'c1', :id, '{}')",
    "INSERT INTO context_summaries (message_id, owner_id, content) VALUES (:answer, :id, 'short')",
    "INSERT INTO jobs (id, owner_id, kind, status) VALUES (:job, :id, 'title', 'completed')",
    "INSERT INTO usage (id, owner_id, run_id, provider, model) VALUES (:usage, :id, :run, 'openai', 'echo')",
    "INSERT INTO budgets (id, subject, user_id) VALUES (:budget, 'user', :id)",
    "INSERT INTO embeddings (message_id, owner_id, embedding, model_name) VALUES (:answer, :id, '[1,2,3]', 'e5')",
    "INSERT INTO message_index (message_id, owner_id, tsv) VALUES (:answer, :id, 'a:1')",
    """INSERT INTO files (id, owner_id, name, media_type, size, sha256)
       VALUES (:file, :id, 'a', 'text/plain', 1, '\\x00')""",
    "INSERT INTO file_pieces (file_id, number, owner_id, content) VALUES (:file, 0, :id, '\\x00')",
    "INSERT INTO passages (id, file_id, owner_id, number, content) VALUES (:passage, :file, :id, 0, 'a')",
    "INSERT INTO notes (id, owner_id, content) VALUES (:note, :id, 'likes tea')",
    "INSERT INTO mcp_servers (id, owner_id, name) VALUES (:server, :id, 'wiki')",
    """INSERT INTO api_tokens (id, user_id, name, scopes, token_hash)
       VALUES (:token, :id, 'script', '{chat}', uuid_send(CAST(:token AS uuid)))""",
    """INSERT INTO auth_sessions (id, user_id, token_hash, expires_at)
       VALUES (:device, :id, uuid_send(CAST(:device AS uuid)), now() + interval '1 day')""",
    """INSERT INTO invitations (id, token_hash, created_by, used_by, used_at, expires_at)
       VALUES (:invitation, uuid_send(CAST(:invitation AS uuid)), :id, :id, now(), now())""",
    "INSERT INTO audit_log (id, actor_id, action) VALUES (:entry, :id, 'test')",
)
_NAMES = (
    "chat", "question", "answer", "branch", "run", "call", "job", "usage", "budget", "file", "passage", "note",
    "server", "token", "device", "invitation", "entry",
)  # fmt: skip


async def fill_every_table(settings: Settings, owner_id: UUID | str) -> dict[str, str]:
    """Insert rows for a person in every table; returns their ids."""
    ids = {name: str(new_id()) for name in _NAMES}
    for statement in _ROWS:
        values: dict[str, Any] = {name: value for name, value in ids.items() if f":{name}" in statement}
        await as_owner(settings, statement, **values, id=str(owner_id))
    return ids


async def make_user(settings: Settings) -> str:
    """Create a person who can't sign in, with rows in every table."""
    user_id = str(new_id())
    values = {"id": user_id, "name": f"n-{user_id}", "email": f"{user_id}@example.org"}
    insert = "INSERT INTO users (id, username, email, password_hash) VALUES (:id, :name, :email, 'none')"
    await as_owner(settings, insert, **values)
    await fill_every_table(settings, user_id)
    return user_id

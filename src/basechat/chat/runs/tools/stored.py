"""What an answer that has ended tells of its calls of tools, as SQL on the row `r` of its run."""

from basechat.chat.runs.tools.call import CUT, SHOWN_LENGTH

CALLS = f"""
    coalesce((
        SELECT jsonb_build_object('tool_calls', jsonb_agg(jsonb_build_object(
            'call_id', t.call_id, 'name', t.name, 'title', t.title, 'server', t.server,
            'arguments', CASE WHEN length(CAST(t.arguments AS text)) <= {SHOWN_LENGTH} THEN t.arguments
                         ELSE jsonb_build_object('{CUT}', left(CAST(t.arguments AS text), {SHOWN_LENGTH})) END,
            'status', t.status, 'ok', coalesce(t.result -> 'ok', 'false'),
            'preview', coalesce(t.result ->> 'preview', ''), 'cached', coalesce(t.result -> 'cached', 'false'),
            'at', t.text_at
        ) ORDER BY t.id))
        FROM tool_calls t WHERE t.run_id = r.id HAVING count(*) > 0
    ), '{{}}')
"""  # noqa: S608 - composed of constants
"""What is added to `messages.meta_info`: `{"tool_calls": [...]}`, or nothing where no tool was called."""

TOOLS_USED = """
    coalesce((
        SELECT jsonb_agg(DISTINCT t.name) FROM tool_calls t
        WHERE t.run_id = r.id AND t.status IN ('completed', 'failed', 'unknown')
    ), '[]')
"""
"""The value of `messages.mcp_tools_used`: names, each once."""

"""SQL of identity that statements of other features contain, where a call would cost another round trip.

It imports nothing, so that `basechat up` can use it before the services are imported.
"""

ACCOUNT_IDS = "SELECT id FROM users"
API_TOKEN_IDS = "SELECT id FROM api_tokens"  # noqa: S105 - a statement
HAS_ACCOUNTS = "SELECT EXISTS (SELECT FROM users)"
MODEL_PREFERENCES = """
    SELECT user_id, instructions, default_model, default_temperature, max_tokens FROM user_preferences
"""

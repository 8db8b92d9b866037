"""The first account: how its owner is told about the set-up token."""

import logging

from sqlalchemy import text

from basechat.infra.resources import Resources

log = logging.getLogger(__name__)


async def tell_setup_token(resources: Resources) -> None:
    """Write the set-up token to the log while there is no account; afterwards it opens nothing."""
    token = resources.settings.setup_token
    async with resources.database.system_transaction() as connection:
        if token is None or await connection.scalar(text("SELECT EXISTS (SELECT FROM users)")):
            return
    log.warning(
        "Nobody has signed up yet. The first account is the administrator's; from another machine "
        "it takes the set-up token as invitation: %s",
        token.get_secret_value(),
    )

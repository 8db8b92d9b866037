"""Updates: changes by administrators reach the catalogue while the gateway runs."""

import logging
from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError

from basechat.infra.background import every
from basechat.infra.db import DATABASE_ERRORS, Database, is_transient
from basechat.llm.providers.catalogue import Catalogue
from basechat.llm.providers.configured import Configured
from basechat.llm.providers.stored import OpenedProvider, State, Stored, load_stored

log = logging.getLogger(__name__)

REFRESH_SECONDS = 2.0
"""How often providers and aliases are read from the database."""


class ProviderUpdates:
    """Reads providers and aliases from the database. While it is unreachable, the last ones stay in use."""

    def __init__(self, database: Database, secret: bytes, configured: Configured, catalogue: Catalogue) -> None:
        self._database = database
        self._secret = secret
        self._configured = configured
        self._catalogue = catalogue
        self._state: State | None = None
        self._is_away = False

    async def run(self, seconds: float) -> None:
        await every(seconds, self.refresh)

    async def refresh(self) -> None:
        try:
            async with self._database.autocommit() as connection:
                stored = await load_stored(connection, self._secret, known=self._state)
        except DATABASE_ERRORS as error:
            if isinstance(error, DBAPIError) and not is_transient(error):
                raise
            self._log_away(error)
        else:
            self._is_away = False
            if stored is not None:
                self._use(stored)
        await self._catalogue.sweep()

    def _use(self, stored: Stored) -> None:
        aliases = {alias.name: alias for alias in (*stored.aliases, *self._configured.aliases)}
        self._catalogue.use(self._configured.with_stored(stored.usable), list(aliases.values()))
        self._state = stored.state
        _log_unusable(stored.providers)

    def _log_away(self, error: Exception) -> None:
        if not self._is_away:
            log.warning("the database is away, the providers stay as they are: %s", error)
        self._is_away = True


def _log_unusable(providers: Sequence[OpenedProvider]) -> None:
    for each in providers:
        if each.error:
            log.error("provider %s is not used: %s", each.name, each.error)

"""deploy/env.example is up to date, describes all settings and contains no secret."""

from pathlib import Path

from basechat.kit.config import Settings
from basechat.ops.env_example import GROUPS, GUIDE, render

COMMITTED = Path(__file__).parents[2] / "deploy" / "env.example"


def _values(text: str) -> dict[str, str]:
    lines = (line.removeprefix("# ") for line in text.splitlines())
    return dict(line.split("=", 1) for line in lines if line.partition("=")[0].isupper() and " " not in line)


def test_it_is_up_to_date() -> None:
    command = "python -m basechat.ops.env_example > deploy/env.example"
    assert COMMITTED.read_text() == render(), command


def test_every_setting_has_a_description() -> None:
    assert {name.upper() for name in Settings.model_fields} <= _values(render()).keys()
    assert not [name for name, field in Settings.model_fields.items() if not field.description]


def test_secrets_are_empty() -> None:
    values = _values(render())
    secrets = (
        "SECRET_KEY SETUP_TOKEN CACHE_ENCRYPTION_KEYS POSTGRES_PASSWORD REDIS_PASSWORD DATABASE_URL REDIS_URL "
        "OPENAI_API_KEY"
    )
    assert {values[name] for name in secrets.split()} == {""}


def test_the_first_settings_of_groups_exist() -> None:
    assert (GROUPS.keys() | GUIDE) <= Settings.model_fields.keys()

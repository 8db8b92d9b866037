"""Settings have a fixed order of precedence, and errors contain no secrets."""

from pathlib import Path

import pytest

from basechat.kit.config import ConfigError, Settings, load_settings

SECRET = "a-secret-nobody-may-see-" * 2


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment without settings."""
    for name in (*Settings.model_fields, "secrets_dir"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _write_secret(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / name).write_text(value)
    monkeypatch.setenv("SECRETS_DIR", str(secrets))


def test_the_environment_precedes_the_env_file_and_secret_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_USER", "from-environment")
    (folder / ".env").write_text(f"POSTGRES_USER=from-file\nPOSTGRES_DB=from-file\nSECRET_KEY={SECRET}\n")
    for name in ("postgres_user", "postgres_db", "postgres_host"):
        _write_secret(folder, monkeypatch, name, "from-secret\n")
    settings = load_settings()
    assert settings.postgres_user == "from-environment"
    assert settings.postgres_db == "from-file"
    assert settings.postgres_host == "from-secret"
    assert settings.postgres_port == 5432


@pytest.mark.parametrize("place", ["environment", "env file", "secret file"])
def test_empty_counts_as_not_set(folder: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    if place == "environment":
        monkeypatch.setenv("REDIS_URL", "")
    elif place == "env file":
        (folder / ".env").write_text("REDIS_URL=\n")
    else:
        _write_secret(folder, monkeypatch, "redis_url", "\n")
    assert load_settings().redis_url is None


def test_the_secret_file_counts_if_the_variable_is_empty(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "")
    _write_secret(folder, monkeypatch, "secret_key", SECRET)
    assert load_settings().secret_key.get_secret_value() == SECRET


def test_a_missing_secret_key_is_an_error() -> None:
    with pytest.raises(ConfigError, match="SECRET_KEY: Field required"):
        load_settings()


def test_the_error_of_a_short_secret_key_does_not_contain_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "s3cret-too-short")
    with pytest.raises(ConfigError, match="SECRET_KEY must have at least 32 characters") as raised:
        load_settings()
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("POSTGRES_PORT", "s3cret"), ("REGISTRATION", "s3cret"), ("RUN_LEASE_SECONDS", "-1"), ("SESSION_DAYS", "0")],
)
def test_errors_of_invalid_values_contain_only_the_names(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name) as raised:
        load_settings()
    assert "s3cret" not in str(raised.value)


def test_lease_must_outlive_two_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("RUN_HEARTBEAT_SECONDS", "20")
    with pytest.raises(ConfigError, match="RUN_HEARTBEAT_SECONDS"):
        load_settings()


@pytest.mark.parametrize("there", [False, True], ids=["missing", "a file"])
def test_a_missing_secrets_dir_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("SECRETS_DIR", str(folder / "nowhere"))
    if there:
        (folder / "nowhere").touch()
    with pytest.raises(ConfigError, match="SECRETS_DIR"):
        load_settings()


@pytest.mark.parametrize("value", [",", "s3cret", "c2hvcnQ=", "AAAA,BBBB", "A" * 43 + "=,"])
def test_invalid_cache_keys_are_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("CACHE_ENCRYPTION_KEYS", value)
    with pytest.raises(ConfigError, match="CACHE_ENCRYPTION_KEYS") as raised:
        load_settings()
    assert "s3cret" not in str(raised.value)


def test_cache_keys_are_read_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("CACHE_ENCRYPTION_KEYS", "A" * 43 + "=, " + "/" * 43 + "=\n")
    assert load_settings().cache_keys == (bytes(32), b"\xff" * 32)


def test_no_secret_is_ever_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    for name in ("DATABASE_URL", "REDIS_PASSWORD", "POSTGRES_PASSWORD", "SETUP_TOKEN", "OPENAI_API_KEY", "REDIS_URL"):
        monkeypatch.setenv(name, "s3cret")
    settings = load_settings()
    assert "s3cret" in settings.state_redis_url
    for printed in (repr(settings), str(settings), settings.model_dump_json()):
        assert "s3cret" not in printed
        assert SECRET not in printed


def test_redis_urls_follow_their_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("REDIS_HOST", "cache")
    monkeypatch.setenv("REDIS_PASSWORD", "a/b@c")
    settings = load_settings()
    assert settings.cache_redis_url == "redis://:a%2Fb%40c@cache:6379/0"
    assert settings.state_redis_url == "redis://:a%2Fb%40c@cache-state:6380/0"

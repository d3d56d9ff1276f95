"""Every setting, once: type, unit, default, reason. Read by entrances (api, jobs, cli) only, never by actions or rules.

Settings come from the environment as `TONGLI_<NAME>`; `./tongli settings` prints this table with the values in force.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rules.client_addresses import read_networks

PLACEHOLDERS = ("changeme", "change-me", "secret", "password", "example", "placeholder", "todo", "xxxx", "insecure")


def _networks(value: str) -> str:
    read_networks(value)
    return value


def _no_trailing_slash(value: str) -> str:
    return value.rstrip("/")


class Settings(BaseSettings):
    """Settings in force. Raises ValidationError when production would run on demo values."""

    model_config = SettingsConfigDict(env_prefix="TONGLI_", extra="ignore", frozen=True)

    env: Literal["development", "production"] = Field(
        "development",
        description="production refuses embedded PostgreSQL, generated keys, TONGLI_CLOCK and demo persons",
    )
    host: str = Field("127.0.0.1", description="address the API listens on")
    port: int = Field(8000, ge=0, le=65535, description="port the API listens on")
    data_dir: Path = Field(
        Path(".tongli"), description="embedded database, keys and demo credentials (embedded mode only)"
    )
    public_url: Annotated[str, AfterValidator(_no_trailing_slash)] = Field(
        "http://127.0.0.1:8000", description="issuer of tokens, base of problem types and links; partners see it"
    )

    database_url: str | None = Field(
        None, description="PostgreSQL 15 or newer, as a login that may create roles; unset: embedded PostgreSQL 18"
    )
    app_database_url: str | None = Field(
        None, description="what the API logs in with; default: role tongli_app with a password derived from the keys"
    )
    jobs_database_url: str | None = Field(
        None, description="what the jobs log in with; default: role tongli_jobs with a password derived from the keys"
    )
    db_pool_size: int = Field(10, ge=1, le=200, description="connections of one API process; about ten a core is best")
    db_pooler: Literal["none", "transaction"] = Field(
        "none", description="'transaction' behind PgBouncer in transaction mode: turns prepared-statement caches off"
    )
    db_statement_timeout_ms: int = Field(5_000, ge=100, description="milliseconds one statement of a request may take")

    keys_file: Path | None = Field(
        None, description="keyring (JSON, mode 0600); required in production unless TONGLI_KEYS"
    )
    keys: str | None = Field(
        None, description="the keyring itself, for secret stores that hand over variables", repr=False
    )

    clock: str | None = Field(
        None,
        description="business time for stories and simulations: an instant to start from, or file:PATH holding one; "
        "refused in production. Tokens, leases and signatures always use real time",
    )
    webhook_allow: str = Field(
        "", description="comma list of networks webhooks may reach although private, e.g. 10.20.0.0/16 (operator only)"
    )
    jobs_metrics_port: int | None = Field(
        None, ge=0, le=65_535, description="where the jobs serve /metrics of feed and webhooks; unset: nowhere"
    )
    jobs_metrics_host: str = Field("127.0.0.1", description="address for jobs_metrics_port; never a public one")
    webhook_allow_http: bool = Field(
        False, description="http webhook targets, for demos and tests; refused in production"
    )

    trusted_proxies: Annotated[str, AfterValidator(_networks)] = Field(
        "",
        description="comma list of networks whose X-Forwarded-For and Client-Cert are believed, e.g. 10.0.0.0/24; "
        "limits on tries to sign in count by address, inbound sources of kind mtls are known by certificate",
    )
    audit_hash: Literal["sha256", "sm3"] = Field(
        "sha256",
        description="hash of audit leaves and of the Merkle log over them; fixed when the log begins. An sm3 tree is "
        "labelled as not tlog-tiles conformant",
    )
    audit_key_generation: int = Field(
        1, ge=1, le=1_000, description="which key derived from the keyring signs checkpoints; one more is a new key"
    )

    rate_limit_per_minute: int = Field(1200, ge=1, description="requests per client and minute")
    rate_limit_burst: int = Field(200, ge=1, description="requests a client may make at once")
    report_limit_per_minute: int = Field(
        60,
        ge=1,
        description="reports per client and minute: an answer tells linked or new, so it must not be asked at will",
    )
    report_limit_burst: int = Field(600, ge=1, description="reports a client may file at once")
    inbound_limit_per_minute: int = Field(
        600, ge=1, description="messages of one inbound source per minute, counted once they have proved themselves"
    )
    inbound_limit_burst: int = Field(600, ge=1, description="messages one inbound source may send at once")
    max_body_bytes: int = Field(262_144, description="largest request body, bytes")
    docs: bool | None = Field(None, description="serve /docs; default: yes outside production")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level written")
    log_format: Literal["auto", "json", "text"] = Field("auto", description="auto: text on a terminal, JSON elsewhere")

    @property
    def embedded(self) -> bool:
        """Whether the service brings its own PostgreSQL."""
        return self.database_url is None and self.app_database_url is None

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def docs_served(self) -> bool:
        return self.docs if self.docs is not None else not self.production

    @model_validator(mode="after")
    def _refuse_demo_values_in_production(self) -> Self:
        if not self.production:
            return self
        wrong = [text for failed, text in self._production_faults() if failed]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _production_faults(self) -> tuple[tuple[bool, str], ...]:
        secrets_given = [self.database_url or "", self.app_database_url or "", self.jobs_database_url or ""]
        return (
            (self.embedded, "TONGLI_DATABASE_URL is required in production: the embedded database is for trying out"),
            (not (self.keys or self.keys_file), "TONGLI_KEYS_FILE or TONGLI_KEYS is required in production"),
            (self.clock is not None, "TONGLI_CLOCK is refused in production"),
            (self.webhook_allow_http, "TONGLI_WEBHOOK_ALLOW_HTTP is refused in production"),
            (not self.public_url.startswith("https://"), "TONGLI_PUBLIC_URL must be https in production"),
            (any(_has_placeholder(text) for text in secrets_given), "a database URL holds a placeholder password"),
        )


def _has_placeholder(url: str) -> bool:
    password = url.partition("://")[2].partition("@")[0].partition(":")[2].lower()
    return any(word in password for word in PLACEHOLDERS)

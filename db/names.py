"""Names of the database roles. Each is said once here and once in migrations/sql, where a test compares them."""

OWNER = "tongli_owner"
"""Owns every table and runs migrations; cannot log in."""
APP = "tongli_app"
"""What the API logs in as: row security holds for it, it owns nothing."""
JOBS = "tongli_jobs"
"""What the jobs log in as: events, feed, deliveries and clock columns, no person content."""
LINKER = "tongli_linker"
"""Owns the few functions that cross the need-to-know wall; cannot log in."""
REPORT = "tongli_report"
"""Reserved for de-identified views; cannot log in."""
KEYS = "tongli_keys"
"""What `./tongli keys` becomes while it re-seals and re-indexes: sealed columns and indexes of every row; cannot log
in."""
RESCORE = "tongli_rescore"
"""What `./tongli linkage rescore` and `rebuild` become: a few functions of the linker, no table; cannot log in."""

LOGINS = (APP, JOBS)
HOLDERS = (OWNER, LINKER, REPORT, KEYS, RESCORE)

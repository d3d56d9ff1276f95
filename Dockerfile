# One image for api, jobs and migrate. No embedded PostgreSQL: give TONGLI_DATABASE_URL or its relatives.
FROM python:3.11-slim-bookworm AS builder
WORKDIR /app
ENV UV_PROJECT_ENVIRONMENT=/app/.venv UV_PYTHON=/usr/local/bin/python UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1
# The pin of uv and its hashes stand in the bootstrap script alone.
COPY tongli ./
RUN python tongli --uv-requirement > /tmp/uv.txt \
    && pip install --no-cache-dir --no-deps --only-binary=:all: --require-hashes --requirement /tmp/uv.txt
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev
COPY . .
RUN /app/.venv/bin/python -m compileall -q -x '/\.venv/' /app

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin tongli
COPY --from=builder /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    TONGLI_ENV=production TONGLI_HOST=0.0.0.0 TONGLI_PORT=8000
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['TONGLI_PORT']), timeout=4); c.request('GET', '/readyz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "cli"]
CMD ["api"]

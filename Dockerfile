# One image for web, worker and migrations: `docker build -t open-licence-marketplace .`
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 INSTANCE_DIR=/instance MALLOC_ARENA_MAX=2

RUN useradd --system --uid 10001 --no-create-home marketplace \
    && install --directory --owner marketplace /instance

WORKDIR /app
COPY requirements/main.txt requirements/
RUN pip install --require-hashes --requirement requirements/main.txt
COPY . .
# Editable, because migrations, config.py and wsgi.py lie beside the package.
RUN pip install --no-deps --editable . && python -m compileall -q config.py wsgi.py marketplace migrations

USER marketplace
VOLUME /instance
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["marketplace", "serve", "--host", "0.0.0.0", "--port", "8000", "--workers", "2"]

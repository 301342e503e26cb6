"""The real parts that tests talk to: PostgreSQL, Elasticsearch, stripe-mock, Chromium, poppler.

Each module has the same face: `NAME`, `find()` (where the part is, or None), `missing()` (the one command
that would bring it) and, for servers, `serve()`, a context manager that starts one and yields its address.
`python -m tests.services` says what is here and fetches what is kept in the cache folder.
"""

"""Say which real parts are here; fetch those that are kept in the cache folder.

`python -m tests.services` fetches what it can; `python -m tests.services elasticsearch` only that one.
Exit 1 when a part is still missing.
"""

import sys

from tests.services import chromium, elasticsearch, poppler, postgresql, stripe_mock

FETCHED = {"elasticsearch": elasticsearch, "stripe-mock": stripe_mock}


def main(names: list[str]) -> int:
    """Fetch the named parts (all when none is named) and print a line for each part."""
    unknown = set(names) - set(FETCHED)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(FETCHED)}", file=sys.stderr)
        return 2
    for name in names or FETCHED:
        FETCHED[name].fetch()
    parts = [FETCHED[name] for name in names] or [postgresql, elasticsearch, stripe_mock, chromium, poppler]
    for part in parts:
        print(f"{part.NAME:14} {part.find() or 'missing: ' + part.missing()}")
    return 0 if all(part.find() for part in parts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m marketplace.demo`, which `make demo` runs."""

import sys

from .runner import main

sys.exit(main())

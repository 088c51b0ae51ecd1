"""`python -m urbanlens`."""

import sys

from urbanlens.cli import main

sys.exit(main())

"""``python -m conformance``: the same as the console script."""

import sys

from conformance.shadowing import main

sys.exit(main())

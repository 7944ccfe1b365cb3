"""``python -m greencell``."""

import sys

from greencell.cli import main

sys.exit(main())

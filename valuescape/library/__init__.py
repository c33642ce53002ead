"""Valuescape as a library: what `import valuescape` offers beside vector environments.

It never writes to the terminal: what the program would warn of goes to the logger `valuescape` alone.
"""

import logging

logging.getLogger("valuescape").addHandler(logging.NullHandler())

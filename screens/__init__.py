"""What an operator sees. Importing any of it first clears `TEXTUAL*` from the environment: `TEXTUAL_DRIVER` would import
whatever module it names.
"""

import os

for _name in [name for name in os.environ if name.startswith("TEXTUAL")]:
    del os.environ[_name]

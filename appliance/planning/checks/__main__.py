"""`python -m appliance.planning.checks`."""

import sys

from appliance.planning.checks import main

sys.exit(main())

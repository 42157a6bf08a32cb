"""Whether this gateway can do its own work: database and index answer. An engine that is away is no reason to shut
people out of everything else, so engines do not count here.
"""

import http.client
import json
import sys

connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=8)
connection.request("GET", "/health/ready")
found = json.loads(connection.getresponse().read())["dependencies"]
away = [d["name"] for d in found if not d["ready"] and not d["name"].startswith("engine ")]
sys.exit(f"not ready: {', '.join(away)}" if away else 0)

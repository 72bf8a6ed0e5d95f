"""Stands for `engine.bench.beside`: says the hidden size at once, so that the settings are seen to arrive."""

import json
import sys

print(json.loads(sys.argv[1])["hidden"])

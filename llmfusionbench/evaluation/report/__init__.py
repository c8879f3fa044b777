"""The report of an evaluation: its data, its summary, and its HTML page."""

"""Routers as the evaluation sees them: found by name, checked, adapted, called live, or read from a file of predictions."""

"""Thought templates: from the best answers to a query, a few sentences on how to go about it."""

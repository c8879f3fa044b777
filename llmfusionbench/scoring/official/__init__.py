"""The published scorers, as they are, for comparison with ours."""

"""The version of the tool, written into every manifest."""

__version__ = "0.1.0"

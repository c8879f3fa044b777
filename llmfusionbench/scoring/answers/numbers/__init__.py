"""The number that a response commits to, in digits or in words."""

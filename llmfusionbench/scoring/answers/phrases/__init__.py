"""The ways of writing an answer, by which a response contains it."""

"""The tasks that answers are collected for: which queries, how they are asked, and how an answer is scored."""

"""How the variance of scores splits, and how much of the oracle's gain a router could attain."""

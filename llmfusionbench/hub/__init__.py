"""The Hugging Face Hub: a client that checks what it receives, and the releases fetched through it."""

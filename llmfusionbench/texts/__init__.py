"""Operations on texts: token counts, embeddings, near-duplicates."""

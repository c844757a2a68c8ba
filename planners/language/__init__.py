"""English scene descriptions, read without a language model: words, phrases, clauses, subjects."""

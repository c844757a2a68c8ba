"""What a small language model learns planning from: prompts, and the rules' plans of them."""

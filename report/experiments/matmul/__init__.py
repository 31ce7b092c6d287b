"""Matrix products: A = BC by element, column, row, block, and in one go."""

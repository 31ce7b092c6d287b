"""Training: linear regression by gradient descent with batches of any size."""

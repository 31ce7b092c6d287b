"""Gradients: how far a minibatch's lies from that of all examples."""

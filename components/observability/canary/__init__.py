"""What canaries run."""

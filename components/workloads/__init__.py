"""What runs on the cluster of a region."""

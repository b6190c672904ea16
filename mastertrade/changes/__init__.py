"""What changes between two versions of the infrastructure, ranked by danger."""

"""What the deploying role needs: IAM policies derived from what a stack declares."""

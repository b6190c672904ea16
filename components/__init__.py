"""What exists in the cloud: one component resource per system."""

"""Evidence: what policy packs say of a stack, each control and resource with its state, and how it is written down."""

"""Policy packs: what must hold of everything that a stack declares."""

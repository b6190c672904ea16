"""What brings logs to the store: the code of two functions, and the names by which the program and they know one another."""

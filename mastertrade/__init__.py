"""What you run: the command line around the Pulumi program."""

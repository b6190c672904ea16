"""What you run: the command line around the Pulumi program."""

__version__ = "0.1.0"
"""The version in pyproject.toml, which stands outside of this package; a test holds the two together."""

"""What every pack runs on: controls, the values that they read, verdicts, waivers, and the process that Pulumi asks."""

"""What the command line can do: one module per command, each importing what it needs when it runs."""

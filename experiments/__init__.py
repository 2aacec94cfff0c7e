"""Commands: each parses its flags, wires the library's parts together, and calls them."""

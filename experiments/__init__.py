"""Commands: each parses its flags, connects the library's parts, and calls them."""

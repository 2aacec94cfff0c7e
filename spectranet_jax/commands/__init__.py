"""The commands of `spectranet`."""

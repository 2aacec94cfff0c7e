"""The remade report: its runs, what is computed from them, and the page that shows it."""

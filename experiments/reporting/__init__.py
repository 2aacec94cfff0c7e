"""The report, remade: which runs are made, what is computed of them, and the page that shows it."""

"""A study as one page for a browser: tables that sort, figures, commands."""

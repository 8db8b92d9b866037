"""Tools that read the public web: search results, and pages as text."""

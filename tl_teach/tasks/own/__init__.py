"""A reader's own data: a folder of pictures, sorted by class or described by a table."""

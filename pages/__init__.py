"""One script a page; what they share is in `urbanlens.ui`."""

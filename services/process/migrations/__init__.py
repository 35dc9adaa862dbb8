"""What revisions of several services have in common."""

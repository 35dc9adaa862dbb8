"""Tables that the first revision of each of the two services creates."""

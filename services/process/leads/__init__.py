"""Leads as a service keeps them (R53, R54): steps that are added, files from organ to organ."""

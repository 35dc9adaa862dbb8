"""A synthetic district on which the whole job runs: invented people, sheets, and the known answer."""

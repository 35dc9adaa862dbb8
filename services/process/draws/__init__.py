"""Random checks as a service offers them (R51, R52): plan, seed, results, coverage."""

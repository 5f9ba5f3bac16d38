"""How fast it is: a generator of realistic data, and one benchmark per question."""

"""What reads the store. Each function is one statement, whatever the number of keys it is asked for."""

"""Who may do what, what is shown to whom, and how much anybody may ask for."""

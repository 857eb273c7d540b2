"""Which target gets an attempt, and whether there is another: nothing here sends."""

"""What pages of other origins may read: policies, and the preflights that they answer."""

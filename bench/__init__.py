"""What the README says about speed, and the command that measures it: `python -m bench`."""

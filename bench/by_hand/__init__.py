"""What batteries are compared with: for each the smallest function that does its job for the measured request.

Each makes all checks of the battery that this request goes through, sets the same headers in the same way, by a signal
of the application, and refuses what the battery would refuse there. What it leaves out is what no option here asks
for. Texts that come again and again, as addresses do, are remembered where the battery remembers them.
"""

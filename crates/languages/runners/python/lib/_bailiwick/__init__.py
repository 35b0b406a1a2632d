"""The runner: what stands between the host and a script. Scripts use `bailiwick`, not this.

None of it is a boundary. A script can reach and change all of it, and spoils only its own run: what it may do is decided
by the host, at every call.
"""

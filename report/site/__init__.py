"""Results -> pages. Everything is gathered first and written last.

A site is a function of a list of results and of nothing else: no clock, no host, no network. The
same results give the same bytes.
"""

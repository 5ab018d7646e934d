"""Faults of servers and connections, and the clients that have to live through them."""

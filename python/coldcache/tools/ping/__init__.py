"""Pings a function's environments warm, several at once, and counts those that were reached."""

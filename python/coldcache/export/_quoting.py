"""Texts in JSON, by the interpreter's own function and without the package around it."""

try:
    from _json import encode_basestring_ascii as quote
except ImportError:  # an interpreter that was built without it
    from json.encoder import encode_basestring_ascii as quote

__all__ = ["quote"]

"""Photographs: reading, writing, and what their files say beside the pixels."""

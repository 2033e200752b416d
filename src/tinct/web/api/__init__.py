"""The REST API, by what it is about."""

"""The web app: an API over HTTP, its page, and the workers behind it."""

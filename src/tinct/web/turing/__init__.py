"""A small server for the colorization Turing test, beside the web app: a page for participants, and nothing else."""

"""Measuring any colorizer, Tinct's models or an external command, so that others can check the figures."""

"""Films: read, cut into shots, colorized shot by shot with steady colors, joined again."""

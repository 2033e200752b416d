"""How each file format is written: the pixels by libvips, and beside them what libvips would drop or change."""

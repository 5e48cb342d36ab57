"""Pictures of a run as SVG, readable in light and dark: each brings its own background, title and description."""

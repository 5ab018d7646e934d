"""Where metrics go. Each exporter is a module of its own, imported only where it is asked for."""

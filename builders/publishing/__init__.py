"""Publishing a release: its card, its Croissant metadata and its tasks for the Hub."""

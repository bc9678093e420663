"""The embedded servers: fetched, configured, started, watched and stopped without containers or root."""

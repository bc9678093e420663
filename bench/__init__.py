"""The benchmark `./logsieve bench`: contestants, limits, and their measurement."""

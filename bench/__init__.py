"""The measured comparison: `./logsieve bench`. Contestants, limits, and what measures them."""

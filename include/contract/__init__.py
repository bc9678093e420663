"""The contract: what a log is, as one file declares it, and everything that follows from it alone."""

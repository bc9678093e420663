"""Tests of the page, in their own package, so that the browser exits before other tests begin."""

"""Tests of the page, in a package of their own: so its browser ends before other tests begin."""

"""The measurements of `make bench`: what the console costs beside what it is compared with, in one run on one machine.

A measurement is never a test: it prints ratios and says which goals were reached, and its exit code is 0 either way. The suite only
holds that each part runs, at a small size.
"""

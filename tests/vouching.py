"""Offices of the tests in which nobody signs in, so that a test of decisions is about decisions."""

from console.assurance import Demonstration


class Unasked(Demonstration):
    """Asks nobody for anything, a second person included."""

    second_person = False

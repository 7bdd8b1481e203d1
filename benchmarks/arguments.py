"""Whole numbers on a benchmark's command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence


def numbers(doc: str | None, name: str, default: Sequence[int], *, least: int) -> list[int]:
    """Those that are given, or the default ones; with `--help`, and a message for what is none.

    Args:
        doc: what the benchmark measures: the docstring of its module.
        name: of one of the numbers, as help texts have it.
        default: if none are given.
        least: each of them has to be.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    said = f"{' '.join(map(str, default))} if none is given; {least} at least"
    parser.add_argument(name, nargs="*", type=at_least(least), default=list(default), help=said)
    found: list[int] = vars(parser.parse_args())[name]
    return found


def nothing(doc: str | None) -> None:
    """For a benchmark that takes no arguments: has it tell so, and `--help` tell what it does."""
    argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()


def at_least(least: int) -> Callable[[str], int]:
    """What argparse is to make of an argument that is a whole number, and not less than that."""

    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is less than {least}")
        return value

    number.__name__ = "whole number"  # what argparse calls it where it is none
    return number

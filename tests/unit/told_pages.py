"""A program that says how many huge pages it has made of its memory: `python -m tests.unit.told_pages`."""

from wanderbuch.huge_pages import use_huge_pages

if __name__ == "__main__":
    print(use_huge_pages())

"""What the checks share: the tree's files, its includes, and how a violation is printed.

A check prints one line per violation, `file:line: what is wrong`, and ends with 1; a clean tree ends with 0.
Every check takes --root, so that tests can plant violations in a tree of their own.
"""

import argparse
import os
import re
import sys

SOURCE_ENDINGS = (".h", ".cc", ".cu")
LEFT_OUT = {"build", "node_modules", ".git"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def arguments(description, *extra):
    """Parses --root and the extra (flag, settings) pairs."""
    parser = argparse.ArgumentParser(description=description)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--root", default=here, help="the project's folder")
    for flag, settings in extra:
        parser.add_argument(flag, **settings)
    return parser.parse_args()


def files_below(root, folders, endings):
    """Paths relative to root, sorted."""
    found = []
    for folder in folders:
        for path, names, files in os.walk(os.path.join(root, folder)):
            names[:] = sorted(name for name in names if name not in LEFT_OUT)
            found += [os.path.relpath(os.path.join(path, name), root) for name in files if name.endswith(endings)]
    return sorted(found)


def includes_of(root, path):
    """(line, quote, header) of each include of a file; quote is '<' or '"'."""
    with open(os.path.join(root, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1), match.group(2)


def read_table(root, path):
    """Lines `left : right right ...` of a table such as layers.txt, as (line, left, [right])."""
    with open(os.path.join(root, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.split("#")[0].strip()
            if line:
                left, _, right = line.partition(":")
                yield number, left.strip(), right.split()


def room_of(path, rooms):
    """The innermost room whose folder holds the path, both relative to src/; None where there is none."""
    parts = path.split("/")[:-1]
    for length in range(len(parts), 0, -1):
        name = "/".join(parts[:length])
        if name in rooms:
            return name
    return None


def finish(name, violations, said=""):
    """Prints the violations and a closing line; ends the process."""
    for violation in violations:
        print(violation)
    if violations:
        print(f"{name}: {len(violations)} violation{'s' if len(violations) > 1 else ''}")
        sys.exit(1)
    print(f"{name}: clean{': ' + said if said else ''}")
    sys.exit(0)

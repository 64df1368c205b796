"""A small tree of its own for each test of a check: files are planted, the check runs over them, its words are asserted."""

import os
import subprocess
import sys
import tempfile
import unittest

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.path.join(PROJECT, "tools")


class PlantedTree(unittest.TestCase):
    tool = ""  # of tools/, set by each test

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def plant(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def run_tool(self, *flags):
        command = [sys.executable, os.path.join(TOOLS, self.tool), "--root", self.root, *flags]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def assert_clean(self, *flags):
        result = self.run_tool(*flags)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def assert_refused(self, *lines):
        """The tool ends with 1 and prints exactly these lines, then its count."""
        result = self.run_tool()
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertEqual(result.stdout.splitlines()[:-1], list(lines), result.stderr)

import json
import os
import shutil
import unittest

import planted


@unittest.skipUnless(shutil.which("clang-tidy-14"), "no clang-tidy-14 here")
class CheckTidy(planted.PlantedTree):
    tool = "check_tidy"

    def setUp(self):
        super().setUp()
        self.plant(".clang-tidy", "Checks: '-*,bugprone-integer-division'\n")

    def compile_commands(self, *paths):
        entries = [{"directory": self.root, "file": path, "command": f"c++ -c {path}"} for path in paths]
        self.plant("build/release/compile_commands.json", json.dumps(entries))

    def test_a_fault_is_named(self):
        self.plant("src/good.cc", "double f(double x) { return x; }\n")
        self.plant("src/bad.cc", "double half(int n) {\n  return n / 2;\n}\n")
        self.compile_commands("src/good.cc", "src/bad.cc")
        result = self.run_tool("--limit", "0")
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("src/bad.cc:2:10: ", result.stdout)
        self.assertNotIn("good.cc", result.stdout)
        self.plant("src/bad.cc", "\n")
        self.assertIn("2 of 2 sources", self.assert_clean("--limit", "0"))

    def test_without_a_build_it_does_not_say_clean(self):
        result = self.run_tool()
        self.assertEqual(result.returncode, 1)
        self.assertIn("make build", result.stdout)


if __name__ == "__main__":
    unittest.main()

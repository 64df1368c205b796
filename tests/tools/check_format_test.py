import shutil
import unittest

import planted


@unittest.skipUnless(shutil.which("clang-format-14"), "no clang-format-14 here")
class CheckFormat(planted.PlantedTree):
    tool = "check_format"

    def setUp(self):
        super().setUp()
        self.plant(".clang-format", "BasedOnStyle: Google\n")
        self.plant("src/a.cc", "int f() { return 1; }\n")

    def test_a_clean_tree_passes(self):
        self.assert_clean()

    def test_a_bad_layout_is_named(self):
        self.plant("tests/b.cc", "int f() { return 1; }\nint  g(){return 2;}\n")
        self.assert_refused("tests/b.cc:2: not laid out as .clang-format says; run make format")

    def test_fix_lays_out(self):
        self.plant("src/b.cc", "int  g(){return 2;}\n")
        self.run_tool("--fix")
        self.assertEqual(self.read("src/b.cc"), "int g() { return 2; }\n")


if __name__ == "__main__":
    unittest.main()

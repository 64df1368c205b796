import unittest

import planted


class Shape(planted.PlantedTree):
    tool = "shape"

    def test_counts_functions_and_names_the_long(self):
        body = "".join(f"  x += {i};\n" for i in range(40))
        self.plant("src/a.cc", f"namespace a {{\n\nint small(int x) {{\n  return x;\n}}\n\nint large(int x) {{\n{body}  return x;\n}}\n\n}}  // namespace a\n")
        said = self.assert_clean()
        self.assertIn("functions: n 2, ", said)
        self.assertIn("43 lines  src/a.cc:7  int large(int x) {", said)


if __name__ == "__main__":
    unittest.main()

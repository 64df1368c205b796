import unittest

import planted

PAGE = "# Architecture\n\n<!-- layers: begin -->\n<!-- layers: end -->\n\nEnd.\n"


class DrawLayers(planted.PlantedTree):
    tool = "draw_layers"

    def setUp(self):
        super().setUp()
        self.plant("tools/layers.txt", "base :\nengine/text : base\ncli : base engine/text\n")
        self.plant("docs/architecture.md", PAGE)

    def test_draws_without_arrows_that_follow(self):
        self.assert_clean()
        page = self.read("docs/architecture.md")
        self.assertIn('engine_text["engine/text"]', page)
        self.assertIn("cli --> engine_text", page)
        self.assertNotIn("cli --> base", page)
        self.assertTrue(page.endswith("\nEnd.\n"))

    def test_check_refuses_an_old_picture(self):
        result = self.run_tool("--check")
        self.assertEqual(result.returncode, 1)
        self.assertIn("docs/architecture.md:3: the picture is not that of tools/layers.txt", result.stdout)
        self.assert_clean()
        self.assert_clean("--check")

    def test_a_page_without_markers_is_refused(self):
        self.plant("docs/architecture.md", "# Architecture\n")
        self.assertEqual(self.run_tool().returncode, 1)


if __name__ == "__main__":
    unittest.main()

import unittest

import planted


class CheckTests(planted.PlantedTree):
    tool = "check_tests"

    def setUp(self):
        super().setUp()
        self.plant("src/base/money.cc", "")
        self.plant("src/base/queue.h", "")
        self.plant("src/engine/ops/cpu/norm.cc", "")
        self.plant("tests/base/money_test.cc", "")
        self.plant("tests/base/queue_test.cc", "")

    def test_a_source_without_a_test_is_listed_and_counted(self):
        said = self.assert_clean()
        self.assertIn("without a test of its own: src/engine/ops/cpu/norm.cc", said)
        self.assertIn("2 tests, 1 sources without one", said)

    def test_a_test_without_its_source_is_named(self):
        self.plant("tests/base/gone_test.cc", "")
        result = self.run_tool()
        self.assertEqual(result.returncode, 1)
        self.assertIn("tests/base/gone_test.cc:1: tests src/base/gone, which is not there", result.stdout)

    def test_the_same_name_in_another_room_does_not_count(self):
        self.plant("tests/net/money_test.cc", "")
        self.assertIn("tests/net/money_test.cc:1", self.run_tool().stdout)

    def test_folders_below_the_room_count(self):
        self.plant("tests/engine/ops/norm_test.cc", "")
        self.assertIn("0 sources without one", self.assert_clean())

    def test_what_crosses_rooms_needs_no_source(self):
        for path in ("tests/journeys/demo_test.cc", "tests/faults/kill_test.cc", "tests/engine/model/golden_test.cc"):
            self.plant(path, "")
        self.assert_clean()

    def test_tools_mirror_tools(self):
        self.plant("tools/check_x", "")
        self.plant("tests/tools/check_x_test.py", "")
        self.assert_clean()
        self.plant("tests/tools/check_y_test.py", "")
        self.assertEqual(self.run_tool().returncode, 1)


if __name__ == "__main__":
    unittest.main()

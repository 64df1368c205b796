import unittest

import planted

# In pieces, as in the check itself: this file stands in the tree too.
HOME = "/ho" + "me"
HOST = "registry." + "npmjs.org"


class CheckTree(planted.PlantedTree):
    tool = "check_tree"

    def test_a_clean_tree_passes(self):
        self.plant("a.sh", "cd build/work/x\nmktemp -d\ncat ~/work/y ../home/z\n")
        self.plant("b.md", "a path such as src/tmp/x or https://example.com/home/page\n")
        self.assert_clean()

    def test_a_path_of_a_machine_is_named(self):
        self.plant("docs/a.md", f"one\ncd {HOME}/ann/understudy\n")
        self.assert_refused(f"docs/a.md:2: a path of one machine: {HOME}/a")

    def test_a_registrys_host_is_named(self):
        self.plant("tests/js/package-lock.json", f'{{\n "resolved": "https://{HOST}/openai"\n}}\n')
        self.assert_refused(f"tests/js/package-lock.json:2: the host of a package registry: {HOST}")

    def test_work_left_for_later_is_named(self):
        self.plant("src/a.cc", "// TO" + "DO\n")
        self.assertIn("src/a.cc:1: work left for later", self.run_tool().stdout)

    def test_binary_files_and_data_are_left_alone(self):
        self.plant("x.bin", f"\0{HOME}/ann\n")
        self.plant("rows.jsonl", f"{HOME}/ann\n")
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()

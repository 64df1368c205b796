import unittest

import planted


class CheckLayers(planted.PlantedTree):
    tool = "check_layers"

    def setUp(self):
        super().setUp()
        self.plant("tools/layers.txt", "# who includes whom\nbase        :\nengine/text : base\nengine      : base engine/text\n")
        self.plant("src/base/a.h", "#pragma once\n#include <string>\n")
        self.plant("src/engine/text/t.cc", '#include "base/a.h"\n#include "engine/text/t.h"\n')
        self.plant("src/engine/text/t.h", "#pragma once\n")
        self.plant("src/engine/e.cc", '#include "base/a.h"\n#include "engine/text/t.h"\n')

    def test_a_clean_tree_passes(self):
        self.assertIn("4 files, 3 rooms, 3 arrows", self.assert_clean())

    def test_an_include_without_an_arrow_is_named(self):
        self.plant("src/base/b.cc", '#include "base/a.h"\n\n#include "engine/text/t.h"\n')
        self.assert_refused("src/base/b.cc:3: base may not include engine/text (allowed: nothing)")

    def test_the_innermost_room_counts(self):
        self.plant("src/engine/text/u.cc", '#include "engine/e.h"\n')
        self.assert_refused("src/engine/text/u.cc:1: engine/text may not include engine (allowed: base)")

    def test_an_arrow_that_nobody_uses_is_refused(self):
        self.plant("src/engine/e.cc", '#include "engine/text/t.h"\n')
        self.assert_refused("tools/layers.txt:4: no include uses the arrow engine -> base")

    def test_prune_takes_such_arrows_out(self):
        self.plant("src/engine/e.cc", '#include "engine/text/t.h"\n')
        self.assert_clean("--prune")
        self.assertIn("engine      : engine/text\n", self.read("tools/layers.txt"))
        self.assert_clean()

    def test_a_circle_is_refused(self):
        self.plant("tools/layers.txt", "base : engine\nengine : base\n")
        self.plant("src/base/a.h", '#include "engine/e.h"\n')
        self.assert_refused("tools/layers.txt:1: a circle: base -> engine -> base")

    def test_a_file_in_no_room_is_refused(self):
        self.plant("src/attic/x.cc", "\n")
        self.assert_refused("src/attic/x.cc:1: lies in no room of tools/layers.txt")

    def test_an_include_of_no_room_is_refused(self):
        self.plant("src/base/c.cc", '#include "attic/x.h"\n')
        self.assert_refused('src/base/c.cc:1: "attic/x.h" lies in no room of tools/layers.txt')

    def test_an_arrow_to_an_unknown_room_is_refused(self):
        self.plant("tools/layers.txt", "base : net\nengine/text : base\nengine : base engine/text\n")
        self.assert_refused("tools/layers.txt:1: net is no room of this list", "tools/layers.txt:1: no include uses the arrow base -> net")


if __name__ == "__main__":
    unittest.main()

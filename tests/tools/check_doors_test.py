import unittest

import planted


class CheckDoors(planted.PlantedTree):
    tool = "check_doors"

    def setUp(self):
        super().setUp()
        self.plant("tools/layers.txt", "base :\nnet : base\nengine/ops : base\n")
        self.plant("tools/doors.txt", "# doors\nboost/ : net\nyaml-cpp/ : base\n")
        self.plant("src/base/a.cc", "#include <yaml-cpp/yaml.h>\n#include <vector>\n#include <unistd.h>\n#include <sys/stat.h>\n#include <fmt/format.h>\n")
        self.plant("src/net/http.cc", "#include <boost/asio.hpp>\n")

    def test_a_clean_tree_passes(self):
        self.assert_clean()

    def test_another_rooms_library_is_named(self):
        self.plant("src/engine/ops/cpu/x.cc", "#include <vector>\n#include <boost/any.hpp>\n")
        self.assert_refused("src/engine/ops/cpu/x.cc:2: <boost/any.hpp> is for net only, not for engine/ops (tools/doors.txt:2)")

    def test_quotes_are_no_way_round(self):
        self.plant("src/base/b.cc", '#include "boost/any.hpp"\n')
        self.assert_refused("src/base/b.cc:1: <boost/any.hpp> is for net only, not for base (tools/doors.txt:2)")

    def test_a_library_without_a_door_is_refused(self):
        self.plant("src/base/b.cc", "#include <sqlite3.h>\n")
        self.assert_refused("src/base/b.cc:1: <sqlite3.h> has no line in tools/doors.txt")

    def test_a_door_that_nobody_uses_is_refused(self):
        self.plant("src/net/http.cc", "#include <string>\n")
        self.assert_refused("tools/doors.txt:2: no include uses boost/")


if __name__ == "__main__":
    unittest.main()

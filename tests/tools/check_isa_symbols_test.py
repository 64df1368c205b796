import os
import shutil
import subprocess
import unittest

import planted

OWN = """
namespace understudy::avx2 {
struct Table { virtual ~Table() {} };
Table table;
template <class T> T twice(T x) { return x + x; }
inline int& counter() { static int n = 0; return n; }
int kernel(int x) { return twice(x) + counter(); }
namespace { int hidden() { return 1; } }
int uses() { return hidden(); }
}
static int local() { return 2; }
int (*const pointer)() = local;
"""


@unittest.skipUnless(shutil.which("g++") and shutil.which("nm"), "no g++ here")
class CheckIsaSymbols(planted.PlantedTree):
    tool = "check_isa_symbols"

    def compile(self, source, isa="avx2"):
        self.plant("x.cc", source)
        folder = os.path.join(self.root, f"build/release/CMakeFiles/kernels_{isa}.dir/src")
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["g++", "-std=c++20", "-O0", "-c", os.path.join(self.root, "x.cc"), "-o", os.path.join(folder, "x.cc.o")], check=True)

    def test_own_symbols_pass(self):
        self.compile(OWN)
        self.assertIn("1 objects of avx2", self.assert_clean())

    def test_a_librarys_inline_function_is_named(self):
        self.compile("inline int library(int x) { return x; }\nnamespace understudy::avx2 { int f() { return library(1); } }\n")
        self.assert_refused("build/release/CMakeFiles/kernels_avx2.dir/src/x.cc.o: library(int) lies outside namespace understudy::avx2")

    def test_a_template_over_own_types_is_still_the_librarys(self):
        self.compile("template <class T> T twice(T x) { return x; }\nnamespace understudy::avx2 { struct S {}; void f() { twice(S{}); } }\n")
        result = self.run_tool()
        self.assertEqual(result.returncode, 1)
        self.assertIn("twice<understudy::avx2::S>", result.stdout)

    def test_another_instruction_sets_namespace_is_not_its_own(self):
        self.compile("namespace understudy::avx512 { int f() { return 1; } }\n")
        self.assert_refused("build/release/CMakeFiles/kernels_avx2.dir/src/x.cc.o: understudy::avx512::f() lies outside namespace understudy::avx2")

    def test_without_objects_it_does_not_say_clean(self):
        result = self.run_tool()
        self.assertTrue("run make build first" in result.stdout or "no kernels for this processor" in result.stdout, result.stdout)


if __name__ == "__main__":
    unittest.main()

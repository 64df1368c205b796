// SHA-256 in hexadecimal, of bytes and of files: names what a dataset, an adapter or a template was.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace understudy {

std::string sha256_hex(std::string_view bytes);
std::string sha256_hex_of_file(const std::filesystem::path& path);

}  // namespace understudy

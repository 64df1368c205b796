// Files as the house wants them: read whole or mapped, written so that a crash leaves the old or the new, never half.
// Every failure is an Error that names the path. Functions are thread-safe; objects belong to one thread.
//
// What is being written stands beside its target as "TARGET.tmp-PROCESS-NUMBER" and is locked (flock) while its writer
// lives. A killed process leaves it behind; the next writer of the same target removes every such one that nobody
// locks. Where the file system knows no locks, nothing is removed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace understudy {

// The whole file. Throws kNotFound or kIo; kTooLarge above max_bytes.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes = UINT64_C(1) << 32);

// Standard input to its end.
std::string read_stdin(uint64_t max_bytes = UINT64_C(1) << 32);

// Writes to a temporary name in the same folder, syncs, renames, syncs the folder. Throws kIo (a full disk too) and
// then leaves what was there before, and no temporary file. Its writer is a FileWriter.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// Removes a temporary file or folder that no living writer has; leaves one that is being written.
void remove_abandoned(const std::filesystem::path& temporary);

// Makes a folder of files appear whole: fill `staging()`, then commit() renames it to the final name (an older folder
// of that name is replaced). Without commit() the destructor removes what was written. For checkpoints and exports.
class FolderWriter {
 public:
  explicit FolderWriter(std::filesystem::path target);
  FolderWriter(const FolderWriter&) = delete;
  FolderWriter& operator=(const FolderWriter&) = delete;
  ~FolderWriter();
  const std::filesystem::path& staging() const { return staging_; }
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path staging_;
  int lock_ = -1;  // the staging folder, open and locked
  bool committed_ = false;
};

// Writes in pieces to a temporary name; commit() syncs and renames. For files too large for one string.
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path target);
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  ~FileWriter();  // removes the temporary file where commit() was not called
  void write(std::string_view bytes);
  void write(std::span<const std::byte> bytes);
  uint64_t size() const { return size_; }
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

// Appends lines to a log file (train_log.jsonl): each append is one write call; sync() makes them durable.
class LineAppender {
 public:
  // truncate_to: keep only that many bytes of an existing file (a resumed run drops lines past its checkpoint).
  explicit LineAppender(std::filesystem::path path, uint64_t truncate_to = UINT64_MAX);
  LineAppender(const LineAppender&) = delete;
  LineAppender& operator=(const LineAppender&) = delete;
  ~LineAppender();
  void append(std::string_view line);  // adds the newline
  void sync();
  uint64_t size() const { return size_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

// A read-only mapping of a whole file; the bytes stay valid while the object lives.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace understudy

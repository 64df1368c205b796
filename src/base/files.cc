#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace understudy {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

void write_all(int descriptor, const char* data, size_t size, const std::filesystem::path& path) {
  while (size > 0) {
    const ssize_t n = ::write(descriptor, data, size);
    if (n < 0) {
      if (errno == EINTR) continue;
      throw io_error("write", path.string());
    }
    data += n;
    size -= static_cast<size_t>(n);
  }
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// A renamed file is durable only once its folder's entry is.
void sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0) throw io_error("open", folder.string());
  if (::fsync(descriptor.get()) != 0 && errno != EINVAL) throw io_error("sync", folder.string());
}

constexpr std::string_view kTemporary = ".tmp-";

// Of this process and this call alone, so that two threads that write the same file do not write into each other.
std::filesystem::path temporary_name(const std::filesystem::path& target) {
  static std::atomic<unsigned> n_calls{0};
  return target.string() + fmt::format("{}{}-{}", kTemporary, ::getpid(), n_calls++);
}

// "out.tmp-4711-0" is one of "out".
bool is_temporary_name(std::string_view name, std::string_view target) {
  if (!name.starts_with(target)) return false;
  name.remove_prefix(target.size());
  if (!name.starts_with(kTemporary)) return false;
  name.remove_prefix(kTemporary.size());
  const size_t dash = name.find('-');
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return dash != std::string_view::npos && is_number(name.substr(0, dash)) && is_number(name.substr(dash + 1));
}

bool is_there(const std::filesystem::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 || errno != ENOENT;
}

bool is_still_at(int descriptor, const std::filesystem::path& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

void make_folders(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorCode::kIo, folder.string() + ": cannot make the folder: " + error.message());
}

void remove_abandoned_of(const std::filesystem::path& target) {
  std::error_code error;
  std::filesystem::directory_iterator entry(folder_of(target), error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (is_temporary_name(entry->path().filename().string(), target.filename().string())) {
      remove_abandoned(entry->path());
    }
  }
}

struct Temporary {
  std::filesystem::path path;
  int descriptor = -1;
};

// Makes and locks a temporary. `open_new` makes the path and opens it; it returns -1 where the name is taken or the
// path has already gone: somebody removed it before it was locked, and another name is tried.
template <class OpenNew>
Temporary make_temporary(const std::filesystem::path& target, OpenNew open_new) {
  make_folders(folder_of(target));
  remove_abandoned_of(target);
  for (;;) {
    Temporary made{temporary_name(target)};
    made.descriptor = open_new(made.path);
    if (made.descriptor < 0) continue;
    const bool is_taken = ::flock(made.descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!is_taken && is_there(made.path)) return made;
    ::close(made.descriptor);
  }
}

int open_new_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0 && errno != EEXIST) throw io_error("create", path.string());
  return descriptor;
}

int open_new_folder(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0777) != 0) {
    if (errno == EEXIST) return -1;
    throw io_error("make the folder", path.string());
  }
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0 && errno != ENOENT) throw io_error("open", path.string());
  return descriptor;
}

std::string read_descriptor(int descriptor, const std::string& name, uint64_t max_bytes) {
  std::string bytes;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(descriptor, buffer, sizeof buffer);
    if (n < 0) {
      if (errno == EINTR) continue;
      throw io_error("read", name);
    }
    if (n == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(n));
    if (bytes.size() > max_bytes) {
      throw Error(ErrorCode::kTooLarge, fmt::format("{}: larger than {} bytes", name, max_bytes));
    }
  }
}

}  // namespace

std::string read_file(const std::filesystem::path& path, uint64_t max_bytes) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0) throw io_error("open", path.string());
  return read_descriptor(descriptor.get(), path.string(), max_bytes);
}

std::string read_stdin(uint64_t max_bytes) {
  return read_descriptor(0, "standard input", max_bytes);
}

// The lock is the kernel's and goes with the process, however that ends. Who removes takes it first, too, and both look
// afterwards whether what they locked is still there: so nobody removes what another has just begun.
void remove_abandoned(const std::filesystem::path& temporary) {
  const Descriptor opened(::open(temporary.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (opened.get() < 0 || ::flock(opened.get(), LOCK_EX | LOCK_NB) != 0) return;
  if (!is_still_at(opened.get(), temporary)) return;
  std::error_code ignored;
  std::filesystem::remove_all(temporary, ignored);
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  FileWriter writer(path);
  writer.write(bytes);
  writer.commit();
}

FolderWriter::FolderWriter(std::filesystem::path target) : target_(std::move(target)) {
  while (!target_.has_filename() && target_.has_parent_path()) target_ = target_.parent_path();  // "out/" is "out"
  Temporary made = make_temporary(target_, open_new_folder);
  staging_ = std::move(made.path);
  lock_ = made.descriptor;
}

FolderWriter::~FolderWriter() {
  std::error_code ignored;
  if (!committed_) std::filesystem::remove_all(staging_, ignored);
  ::close(lock_);
}

void FolderWriter::commit() {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(staging_)) {
    if (entry.is_directory()) {
      sync_folder(entry.path());
      continue;
    }
    const Descriptor descriptor(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    if (descriptor.get() < 0 || ::fsync(descriptor.get()) != 0) throw io_error("sync", entry.path().string());
  }
  sync_folder(staging_);
  // A folder cannot be renamed over a full one: the old one steps aside first. A crash in between leaves it under
  // ".old".
  const std::filesystem::path old = target_.string() + ".old";
  std::error_code ignored;
  const bool replaces = std::filesystem::exists(target_);
  if (replaces) std::filesystem::remove_all(old, ignored);  // else it is all that such a crash left
  if (replaces && ::rename(target_.c_str(), old.c_str()) != 0) throw io_error("rename", target_.string());
  if (::rename(staging_.c_str(), target_.c_str()) != 0) {
    const Error error = io_error("rename", staging_.string());
    if (replaces) (void)!::rename(old.c_str(), target_.c_str());
    throw error;
  }
  committed_ = true;
  sync_folder(folder_of(target_));
  std::filesystem::remove_all(old, ignored);
}

FileWriter::FileWriter(std::filesystem::path target) : target_(std::move(target)) {
  Temporary made = make_temporary(target_, open_new_file);
  temporary_ = std::move(made.path);
  descriptor_ = made.descriptor;
}

FileWriter::~FileWriter() {
  if (descriptor_ < 0) return;
  ::unlink(temporary_.c_str());
  ::close(descriptor_);
}

void FileWriter::write(std::string_view bytes) {
  write_all(descriptor_, bytes.data(), bytes.size(), target_);
  size_ += bytes.size();
}

void FileWriter::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void FileWriter::commit() {
  if (::fsync(descriptor_) != 0) throw io_error("sync", temporary_.string());
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw io_error("rename", temporary_.string());
  ::close(std::exchange(descriptor_, -1));
  sync_folder(folder_of(target_));
}

LineAppender::LineAppender(std::filesystem::path path, uint64_t truncate_to) : path_(std::move(path)) {
  make_folders(folder_of(path_));
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw io_error("open", path_.string());
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) throw io_error("read the size of", path_.string());
  size_ = static_cast<uint64_t>(status.st_size);
  if (truncate_to < size_) {
    if (::ftruncate(descriptor_, static_cast<off_t>(truncate_to)) != 0) throw io_error("cut", path_.string());
    size_ = truncate_to;
  }
}

LineAppender::~LineAppender() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void LineAppender::append(std::string_view line) {
  std::string text(line);
  text += '\n';
  try {
    write_all(descriptor_, text.data(), text.size(), path_);
  } catch (const Error&) {
    (void)!::ftruncate(descriptor_, static_cast<off_t>(size_));  // no half line stays for the next to be glued to
    throw;
  }
  size_ += text.size();
}

void LineAppender::sync() {
  if (::fsync(descriptor_) != 0) throw io_error("sync", path_.string());
}

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0) throw io_error("open", path.string());
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) throw io_error("read the size of", path.string());
  if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::kInvalidInput, path.string() + ": not a regular file");
  size_ = static_cast<size_t>(status.st_size);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
  if (address == MAP_FAILED) throw io_error("map", path.string());
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace understudy

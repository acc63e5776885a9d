#pragma once
// Text files of any size, plain or gzipped, read from beginning to end.

#include <cstddef>
#include <memory>
#include <string>

namespace newswatch::rules {

class TextFile {
 public:
  explicit TextFile(const std::string& path);
  ~TextFile();
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  bool is_open() const { return file_ != nullptr; }
  /// Empty unless opening or reading failed, or the gzip data is broken.
  const std::string& problem() const { return problem_; }

  /// The next byte, or -1 at the end. A byte order mark at the beginning is left out.
  int get() { return at_ < size_ || fill() ? static_cast<unsigned char>(buffer_[at_++]) : -1; }
  int peek() { return at_ < size_ || fill() ? static_cast<unsigned char>(buffer_[at_]) : -1; }
  /// The next line without its end; false at the end of the file. A line is cut at 16 MiB.
  bool line(std::string& out);

 private:
  bool fill();
  void* file_ = nullptr;  // gzFile, which reads plain files too
  std::unique_ptr<char[]> buffer_;
  std::size_t at_ = 0, size_ = 0;
  bool first_ = true;
  std::string problem_;
};

/// Whether it is well-formed UTF-8.
bool is_utf8(const std::string& text);

}  // namespace newswatch::rules

#include "rules/reader/lines.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>

#include "rules/engine/text.h"

namespace newswatch::rules {
namespace {
constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr std::size_t most_line_bytes = 16u << 20;
}  // namespace

TextFile::TextFile(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
    problem_ = std::strerror(errno);
    if (descriptor >= 0) ::close(descriptor);
    return;
  }
  if (!S_ISREG(status.st_mode)) {
    problem_ = "it is not a file";
    ::close(descriptor);
    return;
  }
  file_ = ::gzdopen(descriptor, "rb");
  if (file_ == nullptr) {
    problem_ = "out of memory";
    ::close(descriptor);
    return;
  }
  buffer_ = std::make_unique<char[]>(buffer_bytes);
}

TextFile::~TextFile() {
  if (file_ != nullptr) ::gzclose(static_cast<gzFile>(file_));
}

bool TextFile::fill() {
  if (file_ == nullptr || !problem_.empty()) return false;
  const int got = ::gzread(static_cast<gzFile>(file_), buffer_.get(), buffer_bytes);
  int code = 0;
  if (got <= 0) {
    const char* message = ::gzerror(static_cast<gzFile>(file_), &code);
    if (code != Z_OK && code != Z_STREAM_END) problem_ = code == Z_ERRNO ? std::strerror(errno) : message;
    return false;
  }
  at_ = 0;
  size_ = static_cast<std::size_t>(got);
  if (first_) {
    first_ = false;
    if (size_ >= 3 && std::memcmp(buffer_.get(), "\xEF\xBB\xBF", 3) == 0) at_ = 3;
    if (at_ == size_) return fill();
  }
  return true;
}

bool TextFile::line(std::string& out) {
  out.clear();
  int c = get();
  if (c < 0) return false;
  for (; c >= 0 && c != '\n'; c = get())
    if (out.size() < most_line_bytes) out += static_cast<char>(c);
  if (!out.empty() && out.back() == '\r') out.pop_back();
  return true;
}

bool is_utf8(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    if (engine::next_code_point(text, at) == 0xFFFD && text.compare(start, 3, "\xEF\xBF\xBD") != 0) return false;
  }
  return true;
}

}  // namespace newswatch::rules

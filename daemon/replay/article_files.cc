#include "daemon/replay/article_files.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>

namespace newswatch::replay {
namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;

}  // namespace

/// One file at a time: raw bytes, unpacked into `plain`, cut into lines.
struct ArticleFiles::Impl {
  explicit Impl(std::size_t most) : max_line_bytes(most), raw(buffer_bytes), plain(buffer_bytes) {}
  ~Impl() { close(); }

  enum class Packing { plain, gzip, zstd };

  const std::size_t max_line_bytes;
  std::vector<char> raw, plain;
  std::size_t raw_at = 0, raw_size = 0, plain_at = 0, plain_size = 0;
  int fd = -1;
  bool raw_end = false, in_member = false;
  Packing packing = Packing::plain;
  z_stream inflater{};
  ZSTD_DStream* zstd = nullptr;
  std::size_t file = 0;
  std::uint64_t line_number = 0, bytes = 0;
  std::string line;

  Result<void> open(const std::string& path) {
    fd = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return permanent_error("unreadable_file", "cannot open " + path + ": " + std::strerror(errno));
    raw_at = raw_size = plain_at = plain_size = 0;
    raw_end = in_member = false;
    line_number = 0;
    if (auto filled = fill(path); !filled) return filled;
    const std::string_view head(raw.data(), raw_size);
    packing = head.starts_with("\x1f\x8b") ? Packing::gzip : head.starts_with("\x28\xb5\x2f\xfd") ? Packing::zstd : Packing::plain;
    if (packing == Packing::gzip) {
      inflater = {};
      inflateInit2(&inflater, 15 + 16);
    } else if (packing == Packing::zstd) {
      zstd = ZSTD_createDStream();
      ZSTD_initDStream(zstd);
    }
    return {};
  }

  void close() {
    if (fd < 0) return;
    ::close(fd);
    fd = -1;
    if (packing == Packing::gzip) inflateEnd(&inflater);
    if (packing == Packing::zstd) ZSTD_freeDStream(zstd);
    zstd = nullptr;
    packing = Packing::plain;
  }

  Result<void> fill(const std::string& path) {
    if (raw_at > 0) {
      std::memmove(raw.data(), raw.data() + raw_at, raw_size - raw_at);
      raw_size -= raw_at;
      raw_at = 0;
    }
    // The first bytes tell the packing, and a pipe may bring them one by one.
    while (!raw_end && raw_size < 4) {
      const ssize_t got = ::read(fd, raw.data() + raw_size, raw.size() - raw_size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return permanent_error("unreadable_file", "cannot read " + path + ": " + std::strerror(errno));
      raw_end = got == 0;
      raw_size += static_cast<std::size_t>(got);
    }
    return {};
  }

  Error damaged(const std::string& path, const char* why) const {
    return permanent_error("damaged_file", path + " is damaged after line " + std::to_string(line_number) + ": " + why);
  }

  /// Brings more into `plain`; false at the end of the file.
  Result<bool> unpack(const std::string& path) {
    plain_at = plain_size = 0;
    while (plain_size == 0) {
      if (auto filled = fill(path); !filled) return filled.error();
      if (raw_at == raw_size) {
        if (in_member) return damaged(path, "it ends in the middle");
        return false;
      }
      switch (packing) {
        case Packing::plain:
          plain_size = std::min(raw_size - raw_at, plain.size());
          std::memcpy(plain.data(), raw.data() + raw_at, plain_size);
          raw_at += plain_size;
          break;
        case Packing::gzip: {
          inflater.next_in = reinterpret_cast<Bytef*>(raw.data() + raw_at);
          inflater.avail_in = static_cast<uInt>(raw_size - raw_at);
          inflater.next_out = reinterpret_cast<Bytef*>(plain.data());
          inflater.avail_out = static_cast<uInt>(plain.size());
          in_member = true;
          const int code = inflate(&inflater, Z_NO_FLUSH);
          raw_at = raw_size - inflater.avail_in;
          plain_size = plain.size() - inflater.avail_out;
          if (code == Z_STREAM_END) {  // another member may follow
            in_member = false;
            inflateReset(&inflater);
          } else if (code != Z_OK && code != Z_BUF_ERROR) {
            return damaged(path, inflater.msg != nullptr ? inflater.msg : "not gzip");
          }
          break;
        }
        case Packing::zstd: {
          ZSTD_inBuffer in{raw.data() + raw_at, raw_size - raw_at, 0};
          ZSTD_outBuffer out{plain.data(), plain.size(), 0};
          const std::size_t code = ZSTD_decompressStream(zstd, &out, &in);
          if (ZSTD_isError(code)) return damaged(path, ZSTD_getErrorName(code));
          in_member = code != 0;
          raw_at += in.pos;
          plain_size = out.pos;
          break;
        }
      }
    }
    bytes += plain_size;
    return true;
  }

  /// The next line into `line`; false at the end of the file.
  Result<bool> next_line(const std::string& path) {
    line.clear();
    for (;;) {
      if (plain_at == plain_size) {
        auto more = unpack(path);
        if (!more) return more.error();
        if (!*more) {
          if (line.empty()) return false;
          ++line_number;
          return true;
        }
      }
      const char* from = plain.data() + plain_at;
      const std::size_t left = plain_size - plain_at;
      const auto* end = static_cast<const char*>(std::memchr(from, '\n', left));
      const std::size_t take = end != nullptr ? static_cast<std::size_t>(end - from) : left;
      if (line.size() <= max_line_bytes) line.append(from, std::min(take, max_line_bytes + 1 - line.size()));
      plain_at += take + (end != nullptr ? 1 : 0);
      if (end != nullptr) {
        ++line_number;
        return true;
      }
    }
  }
};

ArticleFiles::ArticleFiles(std::vector<std::string> paths, std::size_t max_line_bytes)
    : paths_(std::move(paths)), impl_(std::make_unique<Impl>(max_line_bytes)) {}
ArticleFiles::~ArticleFiles() = default;

std::uint64_t ArticleFiles::bytes() const { return impl_->bytes; }

Result<bool> ArticleFiles::next(Line& line) {
  Impl& files = *impl_;
  while (files.file < paths_.size()) {
    const std::string& path = paths_[files.file];
    const auto leave = [&](Error error) -> Result<bool> {
      files.close();
      ++files.file;
      return error;
    };
    if (files.fd < 0) {
      if (auto opened = files.open(path); !opened) return leave(opened.error());
    }
    const auto got = files.next_line(path);
    if (!got) return leave(got.error());
    if (!*got) {
      files.close();
      ++files.file;
      continue;
    }
    std::string_view text = files.line;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.find_first_not_of(" \t") == std::string_view::npos) continue;
    line = {text, files.file, files.line_number};
    return true;
  }
  return false;
}

}  // namespace newswatch::replay

#pragma once
// Article records out of files: JSON lines, plain, gzip or Zstandard (told by the first bytes), or standard input.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/observe/result.h"

namespace newswatch::replay {

/// Reads the lines of several files one after another. Holds one line and fixed buffers (about 1 MiB), whatever the size
/// of the files. One thread. Empty lines are passed over.
class ArticleFiles {
 public:
  /// `-` is standard input. Nothing is opened before the first next().
  explicit ArticleFiles(std::vector<std::string> paths, std::size_t max_line_bytes = std::size_t{10} << 20);
  ~ArticleFiles();

  struct Line {
    std::string_view text;  ///< valid until the next call; of a line that is too long, its first `max_line_bytes` + 1
    std::size_t file = 0;   ///< index into the paths
    std::uint64_t number = 0;  ///< from 1
  };
  /// False at the end of the last file. An error (a file that cannot be opened or is damaged) ends that file; the next
  /// call goes on with the next one.
  Result<bool> next(Line& line);
  const std::string& path(std::size_t file) const { return paths_[file]; }
  std::uint64_t bytes() const;  ///< unpacked, read so far

 private:
  struct Impl;
  std::vector<std::string> paths_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace newswatch::replay

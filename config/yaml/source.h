#pragma once
// The text of one YAML file and the way from its bytes to lines and columns. For config/yaml alone.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml/document.h"

namespace newswatch::yaml {

class Source {
 public:
  Source(std::shared_ptr<const std::string> text, std::string_view file);

  std::string_view text() const { return *text_; }
  const std::shared_ptr<const std::string>& shared_text() const { return text_; }
  std::string_view file() const { return file_; }

  /// Costs a walk from the line's beginning.
  Place place(std::size_t offset) const;

  /// Places for offsets that mostly ascend, each at the cost of the distance from the one before: a file of one long
  /// line must not cost its square.
  class Walker {
   public:
    explicit Walker(const Source& source) : source_(source) {}
    Place place(std::size_t offset);

   private:
    const Source& source_;
    std::size_t offset_ = 0;
    std::uint32_t line_ = 1, column_ = 1;
  };

  /// The byte of the file at which byte `at` of the decoded scalar stands; the scalar's first byte when decoder and file
  /// do not agree.
  std::size_t locate(const Node& scalar, std::size_t at) const;

 private:
  std::shared_ptr<const std::string> text_;
  std::string_view file_;
  std::vector<std::size_t> lines_;
};

}  // namespace newswatch::yaml

#include "config/yaml/source.h"

#include <algorithm>

namespace newswatch::yaml {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
bool blank(char c) { return c == ' ' || c == '\t'; }

// How the decoder of YAML is followed: it is not repeated. The decoded text leads, and at each of its bytes the source
// says how many bytes it took: itself, an escape, or a fold. So folding rules need not be known twice; when the two stop
// agreeing, the walk gives up.
class Follower {
 public:
  Follower(std::string_view source, const Node& scalar) : source_(source), scalar_(scalar), at_(scalar.offset) {}

  std::size_t find(std::size_t wanted) {
    if (!begin()) return scalar_.offset;
    std::size_t decoded = 0;
    while (decoded < wanted) {
      const std::size_t step = mark_ == '|' ? block_step(decoded) : flow_step(decoded);
      if (step == 0) return scalar_.offset;
      // A wanted byte inside an escape or a folded run stands where that begins.
      if (decoded + step > wanted) return before_;
      decoded += step;
    }
    while (mark_ == '"' && peek() == '\\' && at_break(at_ + 1)) skip_escaped_break();
    return std::min(at_, source_.size());
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  bool at_break(std::size_t at) const {
    return at < source_.size() && (source_[at] == '\n' || (source_[at] == '\r' && at + 1 < source_.size() && source_[at + 1] == '\n'));
  }
  void skip_break() { at_ += source_[at_] == '\r' ? 2 : 1; }

  bool begin() {
    if (at_ >= source_.size()) return false;
    const char first = source_[at_];
    if (scalar_.style == Style::plain) {
      mark_ = 'p';
      return true;
    }
    if (scalar_.style == Style::block) {
      mark_ = '|';
      while (at_ < source_.size() && !at_break(at_)) ++at_;
      if (at_ >= source_.size()) return false;
      skip_break();
      // The first line with text tells the indentation: what the decoder took away from it.
      std::size_t line = at_, source_spaces = 0, text_spaces = 0;
      for (;;) {
        std::size_t i = line;
        while (i < source_.size() && source_[i] == ' ') ++i;
        if (at_break(i)) {
          line = i + (source_[i] == '\r' ? 2 : 1);
          continue;
        }
        source_spaces = i - line;
        break;
      }
      const std::size_t text_line = scalar_.text.find_first_not_of('\n');
      if (text_line == std::string::npos) return false;
      while (text_line + text_spaces < scalar_.text.size() && scalar_.text[text_line + text_spaces] == ' ') ++text_spaces;
      if (text_spaces > source_spaces) return false;
      indent_ = source_spaces - text_spaces;
      if (text_line == 0) at_ += indent_;
      return true;
    }
    mark_ = first;
    ++at_;
    return first == '"' || first == '\'';
  }

  std::size_t newline_run(std::size_t decoded) const {
    std::size_t run = 0;
    while (decoded + run < scalar_.text.size() && scalar_.text[decoded + run] == '\n') ++run;
    return run;
  }

  std::size_t block_step(std::size_t decoded) {
    before_ = at_;
    const char c = scalar_.text[decoded];
    std::size_t end = at_;
    if (c == '\n') {
      if (!at_break(end) && end < source_.size()) return 0;
      const std::size_t run = newline_run(decoded);
      next_line();
      return run;
    }
    if (c == ' ' && at_break(end)) {
      next_line();
      return 1;
    }
    if (peek() != c) return 0;
    ++at_;
    return 1;
  }

  void next_line() {
    while (at_break(at_)) {
      skip_break();
      std::size_t i = at_;
      while (i < source_.size() && source_[i] == ' ') ++i;
      if (at_break(i)) {
        at_ = i;  // a line of white space is an empty line
        continue;
      }
      at_ = std::min(at_ + indent_, i);
      return;
    }
  }

  std::size_t flow_step(std::size_t decoded) {
    before_ = at_;
    const char c = scalar_.text[decoded];
    if (mark_ == '"' && peek() == '\\') {
      if (at_break(at_ + 1)) {  // an escaped line break is nothing
        skip_escaped_break();
        return flow_step(decoded);
      }
      return escape(decoded);
    }
    std::size_t end = at_;
    while (end < source_.size() && blank(source_[end])) ++end;
    if ((c == ' ' || c == '\n') && at_break(end)) {
      const std::size_t run = c == ' ' ? 1 : newline_run(decoded);
      skip_white();
      return run;
    }
    if (peek() != c) return 0;
    at_ += mark_ == '\'' && c == '\'' ? 2 : 1;
    return 1;
  }

  void skip_escaped_break() {
    ++at_;
    skip_break();
    skip_white();
  }

  void skip_white() {
    while (at_ < source_.size() && (blank(source_[at_]) || source_[at_] == '\n' || source_[at_] == '\r')) ++at_;
  }

  std::size_t escape(std::size_t decoded) {
    std::size_t source_bytes = 2;
    switch (peek(1)) {
      case 'x': source_bytes = 4; break;
      case 'u': source_bytes = 6; break;
      case 'U': source_bytes = 10; break;
      default: break;
    }
    at_ += source_bytes;
    std::size_t text_bytes = 1;
    while (decoded + text_bytes < scalar_.text.size() && continues(scalar_.text[decoded + text_bytes])) ++text_bytes;
    return text_bytes;
  }

  std::string_view source_;
  const Node& scalar_;
  std::size_t at_;
  std::size_t before_ = 0;
  std::size_t indent_ = 0;
  char mark_ = 'p';
};

}  // namespace

Source::Source(std::shared_ptr<const std::string> text, std::string_view file)
    : text_(std::move(text)), file_(intern_file(file)), lines_{0} {
  for (std::size_t i = 0; i < text_->size(); ++i)
    if ((*text_)[i] == '\n') lines_.push_back(i + 1);
}

Place Source::place(std::size_t offset) const {
  offset = std::min(offset, text_->size());
  const auto line = std::upper_bound(lines_.begin(), lines_.end(), offset) - lines_.begin();
  std::uint32_t column = 1;
  for (std::size_t i = lines_[static_cast<std::size_t>(line) - 1]; i < offset; ++i)
    if (!continues((*text_)[i])) ++column;
  // A byte inside a character belongs to it.
  if (offset < text_->size() && continues((*text_)[offset])) --column;
  return {file_, static_cast<std::uint32_t>(line), column};
}

Place Source::Walker::place(std::size_t offset) {
  const std::string_view text = source_.text();
  offset = std::min(offset, text.size());
  if (offset < offset_) {
    std::size_t i = offset_;
    std::uint32_t back = 0;
    while (i > offset) {
      --i;
      if (text[i] == '\n') {
        const Place found = source_.place(offset);
        offset_ = offset, line_ = found.line, column_ = found.column;
        return found;
      }
      if (!continues(text[i])) ++back;
    }
    column_ -= back;
    offset_ = offset;
  }
  for (; offset_ < offset; ++offset_) {
    if (text[offset_] == '\n')
      ++line_, column_ = 1;
    else if (!continues(text[offset_]))
      ++column_;
  }
  return {source_.file(), line_, column_};
}

std::size_t Source::locate(const Node& scalar, std::size_t at) const {
  return Follower(*text_, scalar).find(std::min(at, scalar.text.size()));
}

}  // namespace newswatch::yaml

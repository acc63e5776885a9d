#include "config/yaml/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <unordered_set>

#include "config/yaml/source.h"

namespace newswatch::yaml {
namespace {

// Why the parser's events and not YAML::Load: events carry the place of every value, aliases can be refused before they
// are expanded, duplicate keys can be seen at all (a YAML::Node merges them), and the parser can be asked for exactly one
// document (LoadAll of "," never returns, because the parser makes no progress there).

struct Stop {};  // thrown out of the parser when going on is of no use

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// yaml-cpp 0.7 ends a plain scalar in a flow collection at any `?`, so that `[colo?r]` is no YAML for it. Inside a word it
// gets this byte instead, which no file may hold (bad_byte), and scalars get it back.
constexpr char question_mark = '\x11';

std::string with_safe_question_marks(std::string text) {
  for (std::size_t at = text.find('?'); at != std::string::npos; at = text.find('?', at + 1)) {
    if (at > 0 && std::string_view(" \t\r\n[{,?").find(text[at - 1]) == std::string_view::npos) text[at] = question_mark;
  }
  return text;
}

class Builder : public YAML::EventHandler {
 public:
  Builder(std::shared_ptr<const Source> source, Diagnostics& diagnostics, const LoadLimits& limits)
      : source_(std::move(source)), walker_(*source_), diagnostics_(diagnostics), limits_(limits) {}

  std::optional<Node> take() { return std::move(root_); }
  bool has_document() const { return documents_ > 0; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    fail(position(mark), "yaml-syntax", "only one YAML document may stand in a file",
         "remove the line `---` or `...`, or make two files of it");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Node node = make(Kind::null, null_offset(position(mark)));
    attach(std::move(node), false);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail(position(mark), "yaml-syntax", "aliases (`*name`) are not supported",
         "write the value out; a text that begins with `*` or `&` must be quoted");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    const std::size_t offset = skip_properties(position(mark));
    check_tag(tag, offset);
    if (tag != "?" && !quote_is_closed(offset))
      fail(offset, "yaml-syntax", "this quote is never closed", "a closing quote is missing");
    Node node = make(Kind::scalar, offset);
    node.text = value;
    std::replace(node.text.begin(), node.text.end(), question_mark, '?');
    const char first = offset < source_->text().size() ? source_->text()[offset] : '\0';
    if (tag == "?")
      node.style = Style::plain;
    else if (first == '|' || first == '>')
      node.style = Style::block;
    else
      node.style = Style::quoted;
    attach(std::move(node), true);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    push(Kind::sequence, position(mark), tag);
  }
  void OnSequenceEnd() override { pop(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    push(Kind::mapping, position(mark), tag);
  }
  void OnMapEnd() override { pop(); }

 private:
  struct Frame {
    Node node;
    bool has_key = false;   // a key was read, its value comes next
    bool drop = false;      // that value belongs to no usable key
    Entry pending;
    std::size_t key_offset = 0;
    std::size_t last_item = 0;  // of a sequence: where the item before begins
    std::unordered_set<std::string> keys;
  };

  static std::size_t position(const YAML::Mark& mark) { return mark.pos < 0 ? 0 : static_cast<std::size_t>(mark.pos); }

  [[noreturn]] void fail(std::size_t offset, std::string_view code, std::string message, std::string hint = {}) {
    diagnostics_.error(walker_.place(offset), code, std::move(message), std::move(hint));
    throw Stop{};
  }

  Node make(Kind kind, std::size_t offset) {
    Node node;
    node.kind = kind;
    node.offset = offset;
    node.place = walker_.place(offset);
    node.source = source_;
    return node;
  }

  void check_tag(const std::string& tag, std::size_t offset) {
    if (tag == "?" || tag == "!" || tag.empty() || tag.starts_with("tag:yaml.org,2002:")) {
      const std::string_view name = tag.size() > 18 ? std::string_view(tag).substr(18) : std::string_view();
      if (name.empty() || name == "str" || name == "seq" || name == "map" || name == "int" || name == "float" || name == "bool")
        return;
    }
    fail(offset, "yaml-syntax", "the tag of this value is not supported", "remove it; a text that begins with `!` must be quoted");
  }

  // From a tag or an anchor to the value itself.
  std::size_t skip_properties(std::size_t at) const {
    const std::string_view text = source_->text();
    while (at < text.size() && (text[at] == '!' || text[at] == '&')) {
      while (at < text.size() && !is_space(text[at])) ++at;
      while (at < text.size() && is_space(text[at])) ++at;
    }
    return at;
  }

  // The parser takes the end of a file for the end of a quoted text when a line break stands before it, and with the text
  // all rules that follow the quote.
  bool quote_is_closed(std::size_t at) const {
    const std::string_view text = source_->text();
    if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return true;
    const char quote = text[at];
    for (++at; at < text.size(); ++at) {
      if (text[at] == '\\' && quote == '"') {
        ++at;
      } else if (text[at] == quote) {
        if (quote == '"' || at + 1 >= text.size() || text[at + 1] != quote) return true;
        ++at;
      }
    }
    return false;
  }

  bool null_word(std::size_t at) const {
    const std::string_view text = source_->text();
    for (const std::string_view word : {"~", "null", "Null", "NULL"}) {
      if (text.substr(std::min(at, text.size()), word.size()) != word) continue;
      std::size_t end = at + word.size();
      if (end < text.size() && !is_space(text[end]) && text[end] != ',' && text[end] != ']' && text[end] != '}') continue;
      while (end < text.size() && (text[end] == ' ' || text[end] == '\t')) ++end;
      if (end < text.size() && text[end] == ':') continue;  // it is the next key
      return true;
    }
    return false;
  }

  // The parser reports a missing value at whatever comes next; a reader looks for it right after the dash or the colon.
  std::size_t null_offset(std::size_t reported) const {
    if (null_word(reported) || stack_.empty()) return reported;
    const Frame& frame = stack_.back();
    const std::string_view text = source_->text();
    if (frame.node.kind == Kind::mapping) {
      if (!frame.has_key) return reported;
      std::size_t at = frame.key_offset;
      if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
        const char quote = text[at++];
        while (at < text.size() && text[at] != quote) at += text[at] == '\\' && quote == '"' ? 2 : 1;
      } else {
        at += frame.pending.key.size();
      }
      const std::size_t colon = text.find(':', std::min(at, text.size()));
      return colon == std::string_view::npos ? reported : colon + 1;
    }
    const std::size_t first = frame.node.offset;
    if (first >= text.size() || text[first] != '-') return reported;
    if (frame.node.items.empty()) return first + 1;
    // The next line on which nothing but white space stands before a dash in the column of the first one.
    const std::size_t line_start = text.rfind('\n', first) == std::string_view::npos ? 0 : text.rfind('\n', first) + 1;
    const std::size_t column = first - line_start;
    for (std::size_t line = text.find('\n', frame.last_item); line != std::string_view::npos; line = text.find('\n', line)) {
      ++line;
      const std::size_t dash = line + column;
      if (dash < text.size() && text[dash] == '-' && (dash + 1 == text.size() || is_space(text[dash + 1])) &&
          text.substr(line, column).find_first_not_of(" ") == std::string_view::npos)
        return dash + 1;
    }
    return reported;
  }

  void push(Kind kind, std::size_t reported, const std::string& tag) {
    const std::size_t offset = skip_properties(reported);
    check_tag(tag, offset);
    if (stack_.size() >= limits_.depth) fail(offset, "too-deep", "the values are nested too deeply", "write it flatter");
    Frame frame;
    frame.node = make(kind, offset);
    stack_.push_back(std::move(frame));
  }

  void pop() {
    Node node = std::move(stack_.back().node);
    stack_.pop_back();
    attach(std::move(node), false);
  }

  void attach(Node node, bool scalar) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == Kind::sequence) {
      frame.last_item = node.offset;
      frame.node.items.push_back(std::move(node));
      return;
    }
    if (!frame.has_key) {
      take_key(frame, std::move(node), scalar);
      return;
    }
    frame.has_key = false;
    if (frame.drop) return;
    frame.pending.value = std::move(node);
    frame.node.entries.push_back(std::move(frame.pending));
    frame.pending = {};
  }

  void take_key(Frame& frame, Node node, bool scalar) {
    frame.has_key = true;
    frame.drop = false;
    frame.key_offset = node.offset;
    frame.pending.key_place = node.place;
    frame.pending.key = node.text;
    if (!scalar) {
      diagnostics_.error(node.place, "wrong-type", "a key must be a text",
                         node.is_null() ? "put the key in quotes" : "a value that begins with `{` or `[` must be quoted here");
      frame.drop = true;
      return;
    }
    if (frame.keys.insert(node.text).second) return;
    frame.drop = true;
    std::string first;
    if (const auto found = std::find_if(frame.node.entries.begin(), frame.node.entries.end(),
                                        [&](const Entry& entry) { return entry.key == node.text; });
        found != frame.node.entries.end())
      first = "it already stands in line " + std::to_string(found->key_place.line) + "; remove one of them";
    diagnostics_.error(node.place, "duplicate-key", "the key `" + node.text + "` stands twice in this mapping", first);
  }

  std::shared_ptr<const Source> source_;
  Source::Walker walker_;
  Diagnostics& diagnostics_;
  const LoadLimits& limits_;
  std::vector<Frame> stack_;
  std::optional<Node> root_;
  int documents_ = 0;
};

// The first byte that no YAML file may hold: not UTF-8, or a control character. (0x04 would be the end of the file for
// yaml-cpp, silently.)
std::optional<std::size_t> bad_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
    const unsigned lead = byte(i);
    if (lead < 0x80) {
      if ((lead < 0x20 && lead != '\t' && lead != '\n' && lead != '\r') || lead == 0x7F) return i;
      ++i;
      continue;
    }
    const auto tail = [&](std::size_t at) { return (byte(at) & 0xC0) == 0x80; };
    if (lead >= 0xC2 && lead <= 0xDF && tail(i + 1)) {
      i += 2;
    } else if ((lead & 0xF0) == 0xE0 && tail(i + 1) && tail(i + 2) && !(lead == 0xE0 && byte(i + 1) < 0xA0) &&
               !(lead == 0xED && byte(i + 1) > 0x9F)) {
      i += 3;
    } else if (lead >= 0xF0 && lead <= 0xF4 && tail(i + 1) && tail(i + 2) && tail(i + 3) &&
               !(lead == 0xF0 && byte(i + 1) < 0x90) && !(lead == 0xF4 && byte(i + 1) > 0x8F)) {
      i += 4;
    } else {
      return i;
    }
  }
  return std::nullopt;
}

std::string plain_words(const std::string& message) {
  if (message.find("bad conversion") != std::string::npos) return "this is not YAML";
  return message;
}

// What is mostly behind a message of the parser.
std::string hint_for(std::string_view message) {
  const auto has = [&](std::string_view part) { return message.find(part) != std::string_view::npos; };
  if (has("end of sequence flow")) return "a `]` or a comma is missing; `#` after a space begins a comment unless it is quoted";
  if (has("end of map flow")) return "a `}` or a comma is missing; `#` after a space begins a comment unless it is quoted";
  if (has("EOF in scalar")) return "a closing quote is missing";
  if (has("illegal map value")) return "a text that holds a colon and a space must be quoted";
  if (has("illegal block entry") || has("end of map not found") || has("end of sequence not found"))
    return "entries of one list or mapping begin in the same column";
  return {};
}

// A tab in the white space that the line of this place begins with.
bool tab_indents(std::string_view text, std::size_t at) {
  const auto line = text.substr(0, std::min(at, text.size())).find_last_of('\n');
  for (std::size_t i = line == std::string_view::npos ? 0 : line + 1; i < text.size(); ++i) {
    if (text[i] == '\t') return true;
    if (text[i] != ' ') return false;
  }
  return false;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const auto& entry : entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

Place Node::place_in(std::size_t at) const {
  if (!source || kind != Kind::scalar) return place;
  return source->place(source->locate(*this, at));
}

std::optional<Node> load(std::shared_ptr<const std::string> text, std::string_view file, Diagnostics& diagnostics,
                         const LoadLimits& limits) {
  if (text->starts_with("\xEF\xBB\xBF")) text = std::make_shared<const std::string>(text->substr(3));
  file = intern_file(file);
  if (text->size() > limits.bytes) {
    diagnostics.error({file, 0, 0}, "too-long", "the file has " + std::to_string(text->size()) + " bytes; at most " +
                      std::to_string(limits.bytes) + " are read", "split it");
    return std::nullopt;
  }
  auto source = std::make_shared<const Source>(text, file);
  diagnostics.add_source(file, text);
  if (const auto bad = bad_byte(*text)) {
    const bool control = static_cast<unsigned char>((*text)[*bad]) < 0x80;
    diagnostics.error(source->place(*bad), "yaml-syntax", control ? "a control character stands here" : "this is not UTF-8",
                      control ? "remove it, or write it as an escape in double quotes" : "save the file as UTF-8");
    return std::nullopt;
  }
  Builder builder(source, diagnostics, limits);
  try {
    std::istringstream stream{with_safe_question_marks(*text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    // Asked once more, never in a loop: a second document, or what is left over, is an error.
    if (builder.has_document()) parser.HandleNextDocument(builder);
  } catch (const Stop&) {
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    const std::size_t at = error.mark.pos < 0 ? 0 : static_cast<std::size_t>(error.mark.pos);
    std::string hint = hint_for(error.msg);
    if (tab_indents(*text, at)) hint = "indent with spaces: a tab stands before this";
    if (error.msg.find("tab") != std::string::npos) hint = "indent with spaces";
    if (error.msg.find("anchor") != std::string::npos) hint = "a text that begins with `*` or `&` must be quoted";
    diagnostics.error(source->place(at), "yaml-syntax", plain_words(error.msg), hint);
    return std::nullopt;
  } catch (const std::exception& error) {
    diagnostics.error({file, 0, 0}, "yaml-syntax", std::string("the YAML parser failed: ") + error.what());
    return std::nullopt;
  }
  auto root = builder.take();
  if (!root) {
    root.emplace();
    root->place = {file, 1, 1};
    root->source = source;
  }
  return root;
}

std::optional<Node> load(std::string text, std::string_view file, Diagnostics& diagnostics, const LoadLimits& limits) {
  return load(std::make_shared<const std::string>(std::move(text)), file, diagnostics, limits);
}

std::optional<Node> load_file(const std::string& path, Diagnostics& diagnostics, const LoadLimits& limits,
                              const Place* asked) {
  const Place place = asked != nullptr ? *asked : Place{intern_file(path), 0, 0};
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::string text;
  if (stream) {
    // One byte above the limit is enough to tell that it is too long.
    text.resize(limits.bytes + 1 < (1u << 20) ? limits.bytes + 1 : (1u << 20));
    std::size_t size = 0;
    while (stream && size <= limits.bytes) {
      if (size == text.size()) text.resize(std::min(text.size() * 2, limits.bytes + 1));
      stream.read(text.data() + size, static_cast<std::streamsize>(text.size() - size));
      size += static_cast<std::size_t>(stream.gcount());
    }
    text.resize(size);
  }
  if (!stream.is_open() || stream.bad()) {
    diagnostics.error(place, "unreadable-file",
                      "cannot read `" + path + "`: " + (errno != 0 ? std::strerror(errno) : "read error"));
    return std::nullopt;
  }
  return load(std::move(text), path, diagnostics, limits);
}

}  // namespace newswatch::yaml

#pragma once
// Appends JSON to a string: members in the order written, commas by itself. For the codecs of
// records and state, where a tree of values for each would cost more than all the rest of a stage.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace newswatch::flow {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  /// `name` is a literal of ours: written as it is.
  JsonWriter& key(std::string_view name) {
    comma();
    out_ += '"';
    out_ += name;
    out_ += "\":";
    after_key_ = true;
    return *this;
  }
  /// Any text as a key.
  JsonWriter& text_key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(std::same_as<bool> auto flag) { return raw(flag ? "true" : "false"); }
  JsonWriter& value(std::integral auto number) requires(!std::same_as<decltype(number), bool>) {
    return raw(std::to_string(number));
  }
  /// JSON text made elsewhere.
  JsonWriter& raw(std::string_view json) {
    comma();
    out_ += json;
    return *this;
  }

  JsonWriter& member(std::string_view name, const auto& content) { return key(name).value(content); }
  JsonWriter& member_unless_empty(std::string_view name, std::string_view text) {
    return text.empty() ? *this : key(name).value(text);
  }

  std::size_t size() const { return out_.size(); }

 private:
  JsonWriter& open(char c) {
    comma();
    out_ += c;
    return *this;
  }
  JsonWriter& close(char c) {
    out_ += c;
    after_key_ = false;
    return *this;
  }
  void comma() {
    if (!after_key_ && !out_.empty()) {
      const char last = out_.back();
      if (last != '{' && last != '[') out_ += ',';
    }
    after_key_ = false;
  }
  void quote(std::string_view text);

  std::string& out_;
  bool after_key_ = false;
};

}  // namespace newswatch::flow

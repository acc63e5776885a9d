#include "config/loader/secrets.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace newswatch::config {
namespace {

constexpr std::size_t most_bytes = 64 * 1024;

std::optional<std::string> read_secret_file(const std::filesystem::path& path, std::string& why) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    why = std::filesystem::exists(path, error) ? "is no regular file" : "does not exist";
    return std::nullopt;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    why = std::string("cannot be opened: ") + std::strerror(errno);
    return std::nullopt;
  }
  std::string text(most_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > most_bytes) {
    why = "has more than 64 KiB";
    return std::nullopt;
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace

bool Secrets::has_placeholder(std::string_view text) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 2))
    if (at == 0 || text[at - 1] != '$') return true;
  return false;
}

std::optional<std::string> Secrets::look_up(std::string_view reference, const yaml::Place& place,
                                            yaml::Diagnostics& diagnostics) const {
  const auto colon = reference.find(':');
  const std::string kind(reference.substr(0, colon));
  const std::string name(colon == std::string_view::npos ? std::string_view{} : reference.substr(colon + 1));
  if ((kind != "file" && kind != "env") || name.empty()) {
    diagnostics.error(place, "bad-placeholder", "${" + std::string(reference) + "} is neither ${file:PATH} nor ${env:NAME}",
                      "write $${ for a literal ${");
    return std::nullopt;
  }
  if (purpose_ == Purpose::check) return std::string();
  if (kind == "env") {
    if (const char* value = std::getenv(name.c_str())) return std::string(value);
    diagnostics.error(place, "undefined-secret", "the environment variable " + name + " is not set",
                      "set it for the process, or use ${file:PATH}");
    return std::nullopt;
  }
  std::string why;
  std::filesystem::path path(name);
  if (path.is_relative()) {
    const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
    if (credentials != nullptr && *credentials != '\0') {
      if (auto found = read_secret_file(std::filesystem::path(credentials) / path, why)) return found;
    }
    path = std::filesystem::path(directory_) / path;
  }
  if (auto found = read_secret_file(path, why)) return found;
  diagnostics.error(place, "undefined-secret", "the file " + path.string() + " of ${file:" + name + "} " + why,
                    "a relative path is looked up in $CREDENTIALS_DIRECTORY (LoadCredential= of the unit), then beside "
                    "the configuration file");
  return std::nullopt;
}

std::optional<Secret> Secrets::read(const yaml::Node& node, std::string_view what, yaml::Diagnostics& diagnostics) const {
  const auto text = yaml::read_text(node, what, diagnostics);
  if (!text) return std::nullopt;
  std::string out;
  bool replaced = false, failed = false;
  for (std::size_t at = 0; at < text->size();) {
    if (text->compare(at, 3, "$${") == 0) {
      out += "${";
      at += 3;
      continue;
    }
    if (text->compare(at, 2, "${") != 0) {
      out += (*text)[at++];
      continue;
    }
    const auto end = text->find('}', at);
    if (end == std::string::npos) {
      diagnostics.error(node.place_in(at), "bad-placeholder", "a ${ without its }", "write $${ for a literal ${");
      return std::nullopt;
    }
    const auto value = look_up(std::string_view(*text).substr(at + 2, end - at - 2), node.place_in(at), diagnostics);
    if (value) out += *value;
    failed = failed || !value;
    replaced = true;
    at = end + 1;
  }
  if (failed) return std::nullopt;
  if (replaced && purpose_ == Purpose::check) return Secret::unknown();
  return Secret(std::move(out));
}

std::optional<Secret> Secrets::read(yaml::Mapping& map, std::string_view key, yaml::Diagnostics& diagnostics,
                                    bool needed) const {
  const yaml::Node* node = map.find(key, needed);
  return node != nullptr ? read(*node, key, diagnostics) : std::nullopt;
}

}  // namespace newswatch::config

#include "daemon/flow/identity.h"

#include <openssl/sha.h>

#include <array>
#include <chrono>
#include <initializer_list>
#include <limits>

namespace newswatch::flow {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;
constexpr std::size_t kept_bytes = 16;  // 128 bits of SHA-256

Digest sha256(std::string_view bytes) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

void append_part(std::string& out, std::string_view part) {
  const auto size = static_cast<std::uint32_t>(part.size());
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xFF);
  out += part;
}

std::string hex(const Digest& digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < kept_bytes; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

// RFC 4648 in lower case without padding: 128 bits are 26 characters, the last with two zero bits at its end.
std::string base32(const Digest& digest) {
  static constexpr char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string out;
  unsigned buffer = 0;
  int bits = 0;
  for (std::size_t i = 0; i < kept_bytes; ++i) {
    buffer = (buffer << 8 | digest[i]) & 0xFFFF;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += digits[buffer >> bits & 31];
    }
  }
  out += digits[buffer << (5 - bits) & 31];
  return out;
}

// Runs of ASCII blanks and no-break spaces become one space; none at the ends.
std::string collapse_blanks(std::string_view text) {
  std::string out(text.size(), '\0');
  char* to = out.data();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte != 0xC2) [[likely]] {  // this runs over the body of every article that matches
      *to++ = c;
      continue;
    }
    const bool no_break = byte == 0xC2 && i + 1 < text.size() && text[i + 1] == '\xA0';
    if (!no_break && c != ' ' && !(c >= '\t' && c <= '\r')) {
      *to++ = c;
      continue;
    }
    i += no_break;
    if (to != out.data() && to[-1] != ' ') *to++ = ' ';
  }
  if (to != out.data() && to[-1] == ' ') --to;
  out.resize(static_cast<std::size_t>(to - out.data()));
  return out;
}

}  // namespace

std::string article_name(std::string_view feed, std::string_view id) {
  std::string name;
  name.reserve(feed.size() + 1 + id.size());
  name.append(feed).append("/").append(id);
  return name;
}

std::string version_name(const Article& article) {
  if (article.version) return std::to_string(*article.version);
  if (article.updated)
    return std::to_string(std::chrono::floor<std::chrono::seconds>(*article.updated).time_since_epoch().count());
  std::string parts;
  append_part(parts, article.title);
  append_part(parts, article.body);
  return "h" + hex(sha256(parts));
}

std::string body_hash(const Article& article) {
  static constexpr std::size_t teaser_bytes = 120;
  const std::string body = collapse_blanks(article.body);
  if (body.empty()) return {};
  std::string parts;
  append_part(parts, body.size() < teaser_bytes ? collapse_blanks(article.title) : std::string());
  append_part(parts, body);
  return hex(sha256(parts));
}

std::string alert_id(std::string_view rule_key, std::string_view group, AlertKind kind, std::string_view feed,
                     std::string_view article_id, std::string_view version) {
  std::string parts;
  parts.reserve(24 + rule_key.size() + group.size() + 12 + feed.size() + article_id.size() + version.size());
  for (std::string_view part : {rule_key, group, name(kind), feed, article_id, version}) append_part(parts, part);
  return "nw-" + base32(sha256(parts));
}

std::string bounded_id(std::string_view id) {
  static constexpr std::size_t limit = 1000, digest_chars = 32;
  if (id.size() <= limit) return std::string(id);
  std::size_t keep = limit - digest_chars - 1;
  while (keep > 0 && (static_cast<unsigned char>(id[keep]) & 0xC0) == 0x80) --keep;
  return std::string(id.substr(0, keep)) + "~" + hex(sha256(id));
}

}  // namespace newswatch::flow

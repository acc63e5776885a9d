#include "daemon/ingest/decoder.h"

#include <bit>
#include <cstring>
#include <vector>

#include "daemon/ingest/json_values.h"
#include "daemon/ingest/language.h"
#include "daemon/ingest/mapped_format.h"
#include "daemon/ingest/newswatch_format.h"

namespace newswatch::ingest {
namespace {

constexpr std::size_t max_depth = 64;
constexpr std::size_t least_capacity = std::size_t{64} << 10;
// simdjson keeps about 14 bytes a byte of its longest document; what is above this is given back.
constexpr std::size_t kept_capacity = std::size_t{1} << 20;

Error parse_error(simdjson::error_code code) {
  switch (code) {
    case simdjson::UTF8_ERROR:
      return permanent_error(std::string(code_bad_utf8), "the record is not valid UTF-8");
    case simdjson::DEPTH_ERROR:
      return permanent_error(std::string(code_too_deep), "the JSON is nested more than 64 levels deep");
    case simdjson::EMPTY:
      return permanent_error(std::string(code_empty), "the record has no value");
    default:
      return permanent_error(std::string(code_bad_json),
                             std::string("the record is not valid JSON: ") + simdjson::error_message(code));
  }
}

bool blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

}  // namespace

struct Decoder::Impl {
  explicit Impl(const config::ArticleInput& input)
      : feed(input.feed), map(input.map), mapped(input.format == config::ArticleFormat::map),
        max_bytes(input.max_article_bytes) {}

  /// simdjson reads up to SIMDJSON_PADDING bytes past the end, and Kafka's memory has none there; copying 3 KB costs
  /// 50 ns.
  simdjson::error_code parse(std::string_view record, dom::element& root) {
    const std::size_t capacity = std::max(least_capacity, std::bit_ceil(record.size()));
    if (capacity > allocated) {
      if (const auto error = parser.allocate(capacity, max_depth)) return error;
      buffer.resize(capacity + simdjson::SIMDJSON_PADDING);
      allocated = capacity;
    }
    std::memcpy(buffer.data(), record.data(), record.size());
    std::memset(buffer.data() + record.size(), ' ', simdjson::SIMDJSON_PADDING);
    return parser.parse(buffer.data(), record.size(), false).get(root);
  }

  void give_back() {
    if (allocated <= kept_capacity) return;
    parser = dom::parser();
    buffer = std::vector<char>();
    allocated = 0;
  }

  /// Takes a CloudEvents envelope off. (In binary mode the envelope is the record's headers, and nothing is to be done.)
  static Result<void> unwrap(dom::element& root) {
    dom::object object;
    dom::element found;
    if (root.get_object().get(object) || object.at_key("specversion").get(found) || !found.is_string()) return {};
    if (object.at_key("data").get(found) || found.is_null())
      return permanent_error(std::string(code_bad_envelope),
                             object.at_key("data_base64").get(found)
                                 ? "the CloudEvent has no `data`"
                                 : "the CloudEvent has `data_base64`; only `data` as JSON is read");
    root = found;
    return {};
  }

  Result<void> read(std::string_view record, Article& article) {
    if (record.size() >= 3 && std::memcmp(record.data(), "\xEF\xBB\xBF", 3) == 0) record.remove_prefix(3);
    if (record.size() > max_bytes)
      return permanent_error(std::string(code_too_large), "the record has " + std::to_string(record.size()) +
                                                              " bytes; max_article_bytes is " +
                                                              std::to_string(max_bytes));
    if (blank(record)) return permanent_error(std::string(code_empty), "the record has no value");
    dom::element root;
    if (const auto error = parse(record, root)) return parse_error(error);
    if (auto unwrapped = unwrap(root); !unwrapped) return unwrapped;
    dom::object object;
    const bool is_object = !root.get_object().get(object);
    if (!is_object && !(mapped && root.is_array()))
      return permanent_error(std::string(code_not_an_object),
                             "an article is a JSON object, and this is " + std::string(type_name(root)));
    auto result = mapped ? map.read(root, article) : read_newswatch(object, article);
    if (!result) return result;
    return complete(article);
  }

  /// What every format promises: a name, a text, a language if that can be told.
  static Result<void> complete(Article& article) {
    if (article.id.empty()) article.id = article.url;
    if (article.id.empty())
      return permanent_error(std::string(code_missing_id), "the article has neither `id` nor `url`");
    // A withdrawal needs no text.
    if (blank(article.title) && blank(article.body) && article.status == ArticleStatus::live)
      return permanent_error(std::string(code_missing_text), "the article has neither `title` nor `body`");
    if (article.language.empty()) article.language = detect_language(article.title, article.body);
    return {};
  }

  std::string feed;
  MappedFormat map;
  bool mapped;
  std::uint64_t max_bytes;
  dom::parser parser;
  std::vector<char> buffer;
  std::size_t allocated = 0;
};

Decoder::Decoder(const config::ArticleInput& input) : impl_(std::make_unique<Impl>(input)) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Result<void> Decoder::decode(std::string_view record, Article& article) {
  clear(article);
  article.feed = impl_->feed;
  auto result = impl_->read(record, article);
  impl_->give_back();
  return result;
}

std::uint64_t Decoder::left_out() const { return impl_->map.left_out(); }

}  // namespace newswatch::ingest

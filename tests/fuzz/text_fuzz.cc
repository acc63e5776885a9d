// libFuzzer: whatever the bytes are, words and sentences lie in order inside their paragraphs, and every
// word is in one sentence.
//   clang++ -fsanitize=fuzzer,address,undefined; corpus: any articles.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "rules/engine/text.h"

namespace {

void must(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace newswatch;
  static engine::PreparedText text;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Article article;
  article.title = bytes.substr(0, size / 8);
  article.body = bytes.substr(size / 8);
  text.prepare(article);
  std::uint32_t words = 0;
  for (std::uint32_t i = 0; i < text.paragraphs().size(); ++i) {
    const engine::Paragraph& paragraph = text.paragraphs()[i];
    must(paragraph.byte_end <= text.source(paragraph.field).size());
    must(paragraph.first_word == words);
    std::uint32_t at = paragraph.byte_start, position = paragraph.start;
    for (; words < paragraph.end_word; ++words) {
      const engine::Word& word = text.words()[words];
      must(at <= word.byte_start && word.byte_start < word.byte_end && word.byte_end <= paragraph.byte_end);
      must(position <= word.start && word.start < word.end && word.end <= paragraph.end);
      must(word.tag == 0 || word.tag_bytes <= word.byte_start - paragraph.byte_start);
      at = word.byte_end;
      position = word.end;
      static_cast<void>(engine::case_facts(text.cased(word)));
    }
    std::uint32_t in_sentences = paragraph.first_word;
    for (const engine::Sentence& sentence : text.sentences(i)) {
      must(sentence.first_word == in_sentences && sentence.byte_end <= paragraph.byte_end);
      in_sentences = sentence.end_word;
    }
    must(in_sentences == paragraph.end_word);
    for (std::uint32_t j = paragraph.first_joined; j < paragraph.end_joined; ++j) {
      const engine::JoinedWord& joined = text.joined()[j];
      must(paragraph.first_word <= joined.first && joined.first < joined.last && joined.last < paragraph.end_word);
    }
  }
  return 0;
}

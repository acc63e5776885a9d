#include "rules/engine/passages.h"

#include <algorithm>
#include <tuple>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace newswatch::engine {
namespace {

constexpr std::uint32_t most_snippet = 300;  // code points
constexpr std::uint32_t no_entity = UINT32_MAX;
// Part of alert state: a change makes every sentence new.
constexpr std::uint64_t sentence_seed = 0x6e65777377617463u;

// The sentence that holds a code point of a paragraph; of the white space before one, the next.
const Sentence* sentence_at(std::span<const Sentence> sentences, std::uint32_t point) {
  auto it = std::upper_bound(sentences.begin(), sentences.end(), point, [](std::uint32_t p, const Sentence& s) { return p < s.end; });
  if (it == sentences.end()) return sentences.empty() ? nullptr : &sentences.back();
  return &*it;
}

// The first hit's sentence; of a long one a stretch of whole words around the hit.
void snip(PreparedText& text, const Passage& hit, const Sentence& sentence, RuleMatch& match) {
  Field field = text.paragraphs()[hit.paragraph].field;
  auto words = text.words();
  std::uint32_t start = sentence.start, byte_start = sentence.byte_start, end = sentence.end, byte_end = sentence.byte_end;
  if (end - start > most_snippet) {
    // Words begin the stretch at most a third of it before the hit, and only if the hit would not fit otherwise.
    if (hit.end > start + most_snippet) {
      std::uint32_t from = hit.start > most_snippet / 3 ? hit.start - most_snippet / 3 : 0;
      start = hit.start;
      byte_start = hit.byte_start;
      for (std::uint32_t w = sentence.first_word; w < sentence.end_word && words[w].start <= hit.start; ++w) {
        if (words[w].start < from) continue;
        start = words[w].start;
        byte_start = words[w].byte_start;
        break;
      }
    }
    end = start;
    byte_end = byte_start;
    if (sentence.end - start <= most_snippet) {
      end = sentence.end;
      byte_end = sentence.byte_end;
    } else {
      auto first = std::lower_bound(words.begin() + sentence.first_word, words.begin() + sentence.end_word, start,
                                    [](const Word& w, std::uint32_t p) { return w.start < p; });
      for (; first != words.begin() + sentence.end_word && first->end - start <= most_snippet; ++first) {
        end = first->end;
        byte_end = first->byte_end;
      }
      if (end == start) {  // a word longer than all that: cut it
        std::size_t at = byte_start;
        while (end - start < most_snippet && at < sentence.byte_end) next_code_point(text.source(field), at), ++end;
        byte_end = static_cast<std::uint32_t>(at);
      }
    }
  }
  match.snippet = text.source(field).substr(byte_start, byte_end - byte_start);
  match.snippet_start = start;
  match.snippet_field = field;
}

}  // namespace

void DescribeWork::begin(const PreparedText& text) {
  if (by_first_word_.size() <= text.words().size()) by_first_word_.resize(text.words().size() * 2 + 1);
  if (++stamp_ == 0) {
    std::fill(by_first_word_.begin(), by_first_word_.end(), Known{});
    stamp_ = 1;
  }
}

std::uint64_t DescribeWork::hash_of(const PreparedText& text, const Sentence& sentence) {
  Known& known = by_first_word_[sentence.first_word];
  // Sentences without a word share a number with the next one.
  if (known.stamp == stamp_ && sentence.first_word != sentence.end_word) return known.hash;
  buffer_.clear();
  for (const Word& word : text.words().subspan(sentence.first_word, sentence.end_word - sentence.first_word)) {
    buffer_ += text.reduced(word);
    buffer_ += ' ';
  }
  std::uint64_t hash = XXH3_64bits_withSeed(buffer_.data(), buffer_.size(), sentence_seed);
  if (sentence.first_word != sentence.end_word) known = {stamp_, hash};
  return hash;
}

void describe(const Plan& plan, PreparedText& text, std::vector<Passage>& passages, DescribeWork& work, RuleMatch& match) {
  auto paragraphs = text.paragraphs();
  auto entity_id = [&](const Passage& p) { return p.entity == no_entity ? std::string_view{} : plan.entity_ids[p.entity]; };
  auto key = [&](const Passage& p) {
    return std::tuple(paragraphs[p.paragraph].field, p.start, p.end, p.term, entity_id(p));
  };
  std::sort(passages.begin(), passages.end(), [&](const Passage& a, const Passage& b) {
    // Paragraphs stand in order, so they decide before the rest is looked at.
    if (a.paragraph != b.paragraph) return a.paragraph < b.paragraph;
    return key(a) < key(b);
  });
  passages.erase(std::unique(passages.begin(), passages.end(), [&](const Passage& a, const Passage& b) { return key(a) == key(b); }),
                 passages.end());
  if (passages.size() > most_reported_hits) passages.resize(most_reported_hits);
  const Sentence* last = nullptr;
  match.hits.reserve(passages.size());
  for (const Passage& passage : passages) {
    const Paragraph& paragraph = paragraphs[passage.paragraph];
    Hit& hit = match.hits.emplace_back();
    hit.term = passage.term;
    if (passage.entity != no_entity) {
      hit.entity = plan.entity_ids[passage.entity];
      match.entities.push_back(hit.entity);
    }
    hit.field = paragraph.field;
    hit.start = passage.start;
    hit.end = passage.end;
    hit.text = text.source(paragraph.field).substr(passage.byte_start, passage.byte_end - passage.byte_start);
    auto sentences = text.sentences(passage.paragraph);
    for (std::uint32_t point : {passage.start, passage.end - 1}) {
      const Sentence* sentence = sentence_at(sentences, point);
      if (!sentence || (sentence == last && &passage != &passages.front())) continue;
      if (match.hits.size() == 1 && match.snippet.empty()) snip(text, passage, *sentence, match);
      last = sentence;
      match.sentences.push_back(work.hash_of(text, *sentence));
    }
  }
  auto once = [](auto& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
  };
  once(match.entities);
  once(match.sentences);
}

}  // namespace newswatch::engine

#include "rules/engine/text.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "rules/engine/characters.h"
#include "rules/engine/cutter.h"

namespace newswatch::engine {

namespace {

/// 16 bytes at a time, in the vector form that both compilers know on every machine.
void copy_in_small_letters(const char* from, char* to, std::size_t size) {
  using Block = signed char __attribute__((vector_size(16)));
  std::size_t i = 0;
  for (; i + sizeof(Block) <= size; i += sizeof(Block)) {
    Block block;
    std::memcpy(&block, from + i, sizeof block);
    block |= ((block >= 'A') & (block <= 'Z')) & 0x20;
    std::memcpy(to + i, &block, sizeof block);
  }
  for (; i < size; ++i) to[i] = static_cast<char>(from[i] + (static_cast<unsigned char>(from[i] - 'A') < 26 ? 32 : 0));
}

}  // namespace

void PreparedText::begin(std::string_view title, std::string_view body) {
  if (title.size() + body.size() > UINT32_MAX / 4) std::abort();
  title_ = title;
  body_ = body;
  paragraphs_.clear();
  words_.clear();
  joined_.clear();
  sentences_.clear();
  sentences_of_.clear();
  arena_used_ = title.size() + body.size();
  if (arena_.size() < arena_used_ + 64) arena_.resize(arena_used_ + arena_used_ / 2 + 256);
  copy_in_small_letters(title.data(), arena_.data(), title.size());
  copy_in_small_letters(body.data(), arena_.data() + title.size(), body.size());
}

void PreparedText::prepare(const Article& article) {
  begin(article.title, article.body);
  const ParagraphSpan title{0, static_cast<std::uint32_t>(title_.size())};
  cut_words(*this, Field::title, {&title, 1});
  cut_paragraphs(body_, spans_);
  cut_words(*this, Field::body, spans_);
  for (const std::uint32_t number : article.boilerplate) {
    if (number < paragraphs_.size() - 1) paragraphs_[number + 1].boilerplate = true;
  }
}

void PreparedText::prepare_paragraph(std::string_view text) {
  begin({}, text);
  const ParagraphSpan whole{0, static_cast<std::uint32_t>(text.size())};
  cut_words(*this, Field::body, {&whole, 1});
}

std::span<const Sentence> PreparedText::sentences(std::uint32_t paragraph) {
  if (sentences_of_.size() < paragraphs_.size()) sentences_of_.resize(paragraphs_.size());
  auto& [begin, end] = sentences_of_[paragraph];
  if (begin == end) {
    const Paragraph& of = paragraphs_[paragraph];
    const std::string_view bytes = text(of);
    cut_sentences(bytes, spans_);
    begin = static_cast<std::uint32_t>(sentences_.size());
    std::uint32_t byte = 0, position = of.start, word = of.first_word;
    const bool ascii = of.end - of.start == bytes.size();
    const auto count = [&](std::uint32_t from, std::uint32_t to) {
      return ascii ? to - from : count_code_points(bytes.substr(from, to - from));
    };
    for (const ParagraphSpan& span : spans_) {
      Sentence& sentence = sentences_.emplace_back();
      sentence.start = position + count(byte, span.begin);
      sentence.end = sentence.start + count(span.begin, span.end);
      position = sentence.end;
      byte = span.end;
      sentence.byte_start = of.byte_start + span.begin;
      sentence.byte_end = of.byte_start + span.end;
      sentence.first_word = word;
      while (word < of.end_word && words_[word].byte_start < sentence.byte_end) ++word;
      sentence.end_word = word;
    }
    end = static_cast<std::uint32_t>(sentences_.size());
  }
  return std::span(sentences_).subspan(begin, end - begin);
}

CaseFacts case_facts(std::string_view cased) {
  const Characters& characters = Characters::instance();
  CaseFacts facts;
  bool upper = false;
  for (std::size_t at = 0; at < cased.size();) {
    const bool front = at == 0;
    const CharacterInfo info = characters[decode(cased, at)];
    if (info.has(CharacterInfo::is_upper)) {
      upper = true;
      if (front) facts.upper_first = true;
    }
    if (info.has(CharacterInfo::is_lower)) facts.has_lower = true;
  }
  facts.all_capitals = upper && !facts.has_lower;
  return facts;
}

bool begins_with(std::string_view reduced, std::string_view prefix) {
  if (!reduced.starts_with(prefix)) return false;
  if (reduced.size() == prefix.size()) return true;
  std::size_t at = prefix.size();
  return !Characters::instance()[decode(reduced, at)].has(CharacterInfo::is_mark | CharacterInfo::is_conjoining);
}

bool long_enough_for_prefix(std::string_view reduced) {
  const Characters& characters = Characters::instance();
  int count = 0;
  for (std::size_t at = 0; at < reduced.size();) {
    const CharacterInfo info = characters[decode(reduced, at)];
    if (info.character_class() == CharacterClass::spaceless) return true;
    if (info.has(CharacterInfo::has_letter | CharacterInfo::has_digit) && !info.has(CharacterInfo::is_conjoining))
      ++count;
  }
  return count >= 3;
}

bool is_letter(char32_t c) { return Characters::instance()[c].has(CharacterInfo::has_letter); }
bool is_digit(char32_t c) { return Characters::instance()[c].has(CharacterInfo::has_digit); }
bool is_white_space(char32_t c) { return Characters::instance()[c].has(CharacterInfo::is_space); }
bool is_spaceless_letter(char32_t c) {
  return Characters::instance()[c].character_class() == CharacterClass::spaceless;
}

char32_t next_code_point(std::string_view text, std::size_t& at) { return decode(text, at); }

std::uint32_t count_code_points(std::string_view text) {
  std::uint32_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

}  // namespace newswatch::engine

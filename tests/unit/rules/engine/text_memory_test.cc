// Preparing an article allocates nothing once the memory has grown, and no text costs more than its length.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "rules/engine/text.h"

// Sanitizers bring an allocator of their own, and want its calls in pairs.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NEWSWATCH_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define NEWSWATCH_SANITIZED 1
#endif
#endif

namespace {
[[maybe_unused]] thread_local std::size_t allocations = 0;
}

#ifndef NEWSWATCH_SANITIZED
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size ? size : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace newswatch::engine {
namespace {

TEST(TextMemory, PreparingAgainAllocatesNothing) {
#ifdef NEWSWATCH_SANITIZED
  GTEST_SKIP() << "allocations cannot be counted under a sanitizer";
#endif
  Article article;
  article.title = "U.S. state-owned firms: L’Oréal";
  article.body = "Київ і Ёлка, मैं लड़ाई 서울 新ﾚｰﾀﾞｰ. Mr. X said “no.” The end.\n\nمُحَمَّد #NATO's C++\nline";
  article.boilerplate = {1};
  PreparedText text;
  const auto prepare = [&] {
    text.prepare(article);
    for (std::uint32_t i = 0; i < text.paragraphs().size(); ++i) text.sentences(i);
  };
  prepare();
  const std::size_t before = allocations;
  for (int i = 0; i < 10; ++i) prepare();
  EXPECT_EQ(allocations, before);
}

// A square would not end: each text has a million pieces.
TEST(TextMemory, HostileTextsCostTheirLength) {
  for (const char* piece :
       {"a.",     "a-", "a's ", "#",  "'",  "\"",       ". ", "U.S. \"", "\xE2\x81\xA0", "a\xE2\x81\xA0#",
        "\u0301", "中", "1,",   "a&", "\n", "\r\n\r\n", "。", "x.)",     "\xFF",         "é\u0301\u0323"}) {
    Article article;
    for (int i = 0; i < 1'000'000; ++i) article.body += piece;
    PreparedText text;
    text.prepare(article);
    std::size_t words = 0;
    for (std::uint32_t i = 0; i < text.paragraphs().size(); ++i) {
      for (const Sentence& sentence : text.sentences(i)) words += sentence.end_word - sentence.first_word;
    }
    EXPECT_EQ(words, text.words().size()) << piece;
  }
}

}  // namespace
}  // namespace newswatch::engine

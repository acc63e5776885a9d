#include "rules/engine/inflection.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "rules/engine/characters.h"
#include "rules/engine/english_tables.h"
#include "rules/engine/russian_names.h"
#include "rules/engine/text.h"

namespace newswatch::engine {
namespace {

using Words = std::vector<std::string>;

/// The tables as maps; built once, for the life of the process.
class Tables {
 public:
  std::unordered_set<std::string> never, regular_man, singular_men, common;
  std::unordered_map<std::string, Words> plurals, singulars, pasts, counterparts;
  std::unordered_set<std::string> past_forms;

  static const Tables& instance() {
    static const Tables& tables = *new Tables;
    return tables;
  }

 private:
  Tables() {
    add_words(english::never_inflected, never);
    add_words(english::regular_man, regular_man);
    add_words(english::singular_men, singular_men);
    add_words(english::common_words, common);
    for (const Words& entry : entries(english::irregular_plurals)) {
      for (std::size_t i = 1; i < entry.size(); ++i) {
        plurals[entry[0]].push_back(entry[i]);
        singulars[entry[i]].push_back(entry[0]);
      }
    }
    for (const Words& entry : entries(english::irregular_verbs)) {
      for (std::size_t i = 1; i < entry.size(); ++i) {
        pasts[entry[0]].push_back(entry[i]);
        past_forms.insert(entry[i]);
      }
    }
    for (const Words& entry : entries(english::spellings)) {
      add_spelling(entry[0], entry[1]);
      if (entry[0].ends_with("ise") && entry[1].ends_with("ize")) {
        add_spelling(entry[0].substr(0, entry[0].size() - 1) + "ation",
                     entry[1].substr(0, entry[1].size() - 1) + "ation");
      }
    }
  }

  void add_spelling(const std::string& a, const std::string& b) {
    counterparts[a].push_back(b);
    counterparts[b].push_back(a);
  }

  template <typename F>
  static void split(std::string_view text, char by, F f) {
    while (!text.empty()) {
      const std::size_t at = std::min(text.find(by), text.size());
      if (at > 0) f(text.substr(0, at));
      text.remove_prefix(std::min(at + 1, text.size()));
    }
  }
  static void add_words(std::string_view text, std::unordered_set<std::string>& out) {
    split(text, ' ', [&](std::string_view word) { out.emplace(word); });
  }
  static std::vector<Words> entries(std::string_view text) {
    std::vector<Words> out;
    split(text, ',', [&](std::string_view entry) {
      Words words;
      split(entry, ' ', [&](std::string_view word) { words.emplace_back(word); });
      if (words.size() > 1) out.push_back(std::move(words));
    });
    return out;
  }
};

bool is_plain_vowel(char c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'; }

/// `a e i o u`, and `y` where none of these stands beside it.
bool is_vowel(std::string_view word, std::size_t i) {
  if (word[i] != 'y') return is_plain_vowel(word[i]);
  return !(i > 0 && is_plain_vowel(word[i - 1])) && !(i + 1 < word.size() && is_plain_vowel(word[i + 1]));
}

/// The same, `u` after `q` being a consonant.
bool is_spoken_vowel(std::string_view word, std::size_t i) {
  return is_vowel(word, i) && !(word[i] == 'u' && i > 0 && word[i - 1] == 'q');
}

bool has_vowel(std::string_view word) {
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (is_vowel(word, i)) return true;
  }
  return false;
}

/// The last letter is `letter` and a consonant stands before it.
bool ends_after_consonant(std::string_view word, char letter) {
  return word.size() >= 2 && word.back() == letter && !is_plain_vowel(word[word.size() - 2]);
}

bool takes_es(std::string_view word) {
  return word.ends_with('s') || word.ends_with('x') || word.ends_with('z') || word.ends_with("ch") ||
         word.ends_with("sh");
}

std::string without(std::string_view word, std::size_t letters) {
  return std::string(word.substr(0, word.size() - letters));
}

/// Rule 4.
Words plurals_of(const std::string& word) {
  const Tables& tables = Tables::instance();
  if (const auto it = tables.plurals.find(word); it != tables.plurals.end()) return it->second;
  const std::size_t size = word.size();
  if (takes_es(word)) {
    Words out{word + "es"};
    const bool single_z = word.ends_with('z') && size >= 2 && is_vowel(word, size - 2);
    if (single_z) out.push_back(word + "zes");
    return out;
  }
  if (ends_after_consonant(word, 'y')) return {without(word, 1) + "ies"};
  if (ends_after_consonant(word, 'o')) return {word + "s", word + "es"};
  if (size >= 6 && word.ends_with("man") && !tables.regular_man.contains(word)) return {without(word, 2) + "en"};
  return {word + "s"};
}

/// Rule 3 beside rule 4.
Words plurals_of_name(const std::string& word) {
  Words out = plurals_of(word);
  if (ends_after_consonant(word, 'y') || word.ends_with("man")) out.push_back(word + "s");
  return out;
}

bool contains(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Rule 2: whether the word is a written plural.
bool is_plural(const std::string& word, bool capital_first) {
  const Tables& tables = Tables::instance();
  if (const auto it = tables.singulars.find(word); it != tables.singulars.end() && !contains(it->second, word))
    return true;
  if (word.size() >= 6 && word.ends_with("men")) return !tables.singular_men.contains(word);
  if (!word.ends_with('s') || word.ends_with("ss") || word.ends_with("us")) return false;
  if (word.ends_with("is")) return capital_first && !tables.plurals.contains(word);
  return true;
}

/// Rule 2: its singulars.
Words singulars_of(const std::string& word, bool name) {
  const Tables& tables = Tables::instance();
  if (const auto it = tables.singulars.find(word); it != tables.singulars.end()) return it->second;
  if (word.size() >= 6 && word.ends_with("men")) return {without(word, 2) + "an"};
  Words out;
  const auto try_base = [&](std::string base) {
    if (base.size() < 3 || contains(out, base)) return;
    if (contains(name ? plurals_of_name(base) : plurals_of(base), word)) out.push_back(std::move(base));
  };
  try_base(without(word, 1));
  if (word.ends_with("es")) {
    std::string base = without(word, 2);
    if (takes_es(base) || base.ends_with('o')) try_base(std::move(base));
  }
  if (word.ends_with("ies") && word.size() > 3 && !is_plain_vowel(word[word.size() - 4]))
    try_base(without(word, 3) + "y");
  if (word.ends_with("zes") && word.size() > 3) {
    std::string base = without(word, 3);
    const std::size_t size = base.size();
    const bool vowel_z = size >= 2 && base.back() == 'z' && is_spoken_vowel(base, size - 2) &&
                         !(size >= 3 && is_spoken_vowel(base, size - 3));
    if (vowel_z) try_base(std::move(base));
  }
  return out;
}

enum class Doubling { none, always, optional };

Doubling doubling_of(std::string_view word) {
  const std::size_t size = word.size();
  const char last = word.back();
  if (size < 3 || is_vowel(word, size - 1) || last == 'w' || last == 'x' || last == 'y') return Doubling::none;
  if (!is_spoken_vowel(word, size - 2) || is_spoken_vowel(word, size - 3)) return Doubling::none;
  int groups = 0;
  for (std::size_t i = 0; i < size; ++i) groups += is_spoken_vowel(word, i) && !(i > 0 && is_spoken_vowel(word, i - 1));
  return groups == 1 ? Doubling::always : Doubling::optional;
}

/// Past and `ing` forms of rule 4.
void add_verb_forms(const std::string& word, Words& out) {
  const Tables& tables = Tables::instance();
  const auto irregular = tables.pasts.find(word);
  const bool regular = irregular == tables.pasts.end();
  if (!regular) out.insert(out.end(), irregular->second.begin(), irregular->second.end());
  const auto add = [&](const std::string& before_ed, const std::string& before_ing) {
    if (regular) out.push_back(before_ed + "ed");
    out.push_back(before_ing + "ing");
  };
  if (word.ends_with('e')) {
    const std::string stem = without(word, 1);
    const bool keeps = word.ends_with("ee") || word.ends_with("oe") || word.ends_with("ye");
    add(stem, keeps ? word : word.ends_with("ie") ? without(word, 2) + "y" : stem);
  } else if (ends_after_consonant(word, 'y')) {
    add(without(word, 1) + "i", word);
  } else if (word.ends_with('c')) {
    add(word + "k", word + "k");
  } else {
    const Doubling doubling = doubling_of(word);
    if (doubling != Doubling::always) add(word, word);
    if (doubling != Doubling::none) add(word + word.back(), word + word.back());
  }
}

bool has_noun_forms_only(const std::string& word) {
  const Tables& tables = Tables::instance();
  if (tables.past_forms.contains(word) && !tables.pasts.contains(word)) return true;
  const std::size_t ending = word.ends_with("ing") ? 3 : word.ends_with("ed") ? 2 : 0;
  if (ending == 0) return false;
  const std::string before = without(word, ending);
  return has_vowel(before) && !before.ends_with('e');
}

/// The forms of rules 2 to 4 and 6, unfiltered, the word first.
Words english_forms(const std::string& word, bool capital_first, bool name) {
  const Tables& tables = Tables::instance();
  Words out{word};
  const auto append = [&](const Words& more) { out.insert(out.end(), more.begin(), more.end()); };
  const auto counterparts = [&](const std::string& of, auto add_forms) {
    const auto it = tables.counterparts.find(of);
    if (it == tables.counterparts.end()) return;
    for (const std::string& counterpart : it->second) add_forms(counterpart);
  };
  if (is_plural(word, capital_first)) {
    const Words singulars = singulars_of(word, name);
    append(singulars);
    const auto add_both = [&](const std::string& counterpart) {
      out.push_back(counterpart);
      append(plurals_of(counterpart));
    };
    counterparts(word, add_both);
    for (const std::string& singular : singulars) counterparts(singular, add_both);
    return out;
  }
  const auto add_forms = [&](const std::string& base) {
    append(name ? plurals_of_name(base) : plurals_of(base));
    if (!name && !has_noun_forms_only(base)) add_verb_forms(base, out);
  };
  add_forms(word);
  counterparts(word, [&](const std::string& counterpart) {
    out.push_back(counterpart);
    add_forms(counterpart);
  });
  return out;
}

std::vector<WordForm> itself(std::string_view reduced) { return {{std::string(reduced), count_code_points(reduced)}}; }

/// Each once, in the order given, with what it has in common with the word.
std::vector<WordForm> with_kept(std::string_view word, Words forms) {
  std::vector<WordForm> out;
  for (std::string& form : forms) {
    if (std::any_of(out.begin(), out.end(), [&](const WordForm& other) { return other.text == form; })) continue;
    std::uint32_t kept = 0;
    for (std::size_t at = 0, other = 0; at < word.size() && other < form.size(); ++kept) {
      if (decode(word, at) != decode(form, other)) break;
    }
    out.push_back({std::move(form), kept});
  }
  return out;
}

std::vector<WordForm> english_word_forms(const AuthorWord& word) {
  const Tables& tables = Tables::instance();
  const std::string reduced(word.reduced);
  const auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_number = [](char c) { return c >= '0' && c <= '9'; };
  const bool letters = std::all_of(reduced.begin(), reduced.end(), is_small);
  const bool mixed = !letters &&
                     std::all_of(reduced.begin(), reduced.end(), [&](char c) { return is_small(c) || is_number(c); }) &&
                     std::any_of(reduced.begin(), reduced.end(), is_small);
  const bool initialism = letters && word.initialism;
  if (tables.never.contains(reduced) || !(mixed || initialism || (letters && reduced.size() >= 3)))
    return itself(reduced);

  Words forms;
  if (mixed || initialism) {
    forms = {reduced, reduced + "s"};
  } else {
    const CaseFacts facts = case_facts(word.cased);
    forms = english_forms(reduced, facts.upper_first, facts.upper_first || facts.all_capitals);
  }
  std::erase_if(forms, [&](const std::string& form) { return form != reduced && tables.never.contains(form); });
  return with_kept(reduced, std::move(forms));
}

}  // namespace

Grammar grammar_of(std::string_view language, std::string_view default_language) {
  const auto primary = [](std::string_view tag) { return tag.substr(0, tag.find_first_of("-_")); };
  const auto is = [](std::string_view tag, std::string_view name) {
    return std::equal(tag.begin(), tag.end(), name.begin(), name.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
  };
  std::string_view tag = primary(language);
  if (tag.empty() || is(tag, "und")) tag = primary(default_language);
  return is(tag, "en") ? Grammar::english : is(tag, "ru") ? Grammar::russian : Grammar::none;
}

std::vector<WordForm> inflected_forms(Grammar grammar, const AuthorWord& word) {
  return grammar == Grammar::english ? english_word_forms(word) : itself(word.reduced);
}

std::vector<WordForm> name_forms(Grammar grammar, const AuthorWord& word) {
  if (grammar != Grammar::russian || word.initialism) return itself(word.reduced);
  Words forms = russian_name_forms(word.reduced);
  forms.insert(forms.begin(), std::string(word.reduced));
  return with_kept(word.reduced, std::move(forms));
}

bool is_initialism(std::string_view cased) {
  const Characters& characters = Characters::instance();
  int letters = 0;
  for (std::size_t at = 0; at < cased.size();) {
    const CharacterInfo info = characters[decode(cased, at)];
    if (info.has(CharacterInfo::is_mark)) continue;
    if (!info.has(CharacterInfo::has_letter) || !info.has(CharacterInfo::is_upper)) return false;
    ++letters;
  }
  return letters == 2 || letters == 3;
}

bool spells_common_word(std::string_view reduced) {
  return reduced.size() <= 3 && Tables::instance().common.contains(std::string(reduced));
}

}  // namespace newswatch::engine

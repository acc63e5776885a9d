#include "rules/engine/patterns.h"

#include <algorithm>

namespace newswatch::engine {

using syntax::CaseMode;
using syntax::MatchMode;

namespace {

constexpr std::uint32_t start_bucket(std::uint32_t first_three) { return (first_three * 0x9E3779B1u) >> 16; }

std::uint32_t first_three(std::string_view word) {
  auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(word[i])); };
  return byte(0) | byte(1) << 8 | byte(2) << 16;
}

/// The first `count` code points.
std::string_view head(std::string_view text, std::uint32_t count) {
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count) next_code_point(text, at);
  return text.substr(0, at);
}

}  // namespace

// --- finding -------------------------------------------------------------------------------------------------------

struct Patterns::Place {
  const PreparedText& text;
  Work& work;
  std::uint8_t grammar;  ///< a bit of Form::grammars
  std::uint32_t number = 0;
  const Paragraph* paragraph = nullptr;

  std::string_view reduced(const Token& token) const { return text.reduced(*token.word); }
  void emit(std::uint32_t pattern, std::uint32_t begin, std::uint32_t end) const {
    if (work.hits.size() < most_hits) work.hits.push_back({pattern, {number, begin, end}});
  }
  Token word(std::uint32_t at) const { return {at, at + 1, work.hashes[at], &text.words()[at], false, false}; }
  Token joined(std::uint32_t at) const {
    const JoinedWord& joined = text.joined()[at];
    return {joined.first, joined.last + 1, work.joined_hashes[at], &joined.word, true, false};
  }
  Token tagged(std::uint32_t at, const HashKey& key) const {
    const Word& tagged_word = text.words()[at];
    std::string form(1, tagged_word.tag);
    form += text.reduced(tagged_word);
    return {at, at + 1, word_hash(key, form), &tagged_word, false, true};
  }
};

bool Patterns::fits(const Form& form, const WordTest& test, const Token& token, const Place& place) const {
  if (!(form.grammars & place.grammar)) return false;
  std::string_view want{arena_.data() + form.text, form.text_size};
  std::string_view have = place.reduced(token);
  if (test.prefix) {
    if (token.joined || token.tagged || !begins_with(have, want)) return false;
  } else if (token.tagged) {
    return form.hash == token.hash && want.size() == have.size() + 1 && want[0] == token.word->tag && want.substr(1) == have;
  } else if (form.hash != token.hash || want != have) {
    return false;
  }
  if (form.test == Test::any) return true;
  std::string_view cased = place.text.cased(*token.word);
  std::string_view author{arena_.data() + form.cased, form.cased_size};
  switch (form.test) {
    case Test::any: return true;
    case Test::exact: return cased == author;
    case Test::kept: return cased.substr(0, author.size()) == author;
    case Test::initialism:
      if (!case_facts(cased).all_capitals) return false;
      return place.paragraph->has_lower || token.word->dotted || !spells_common_word(have);
    case Test::initialism_ending:
      return !cased.empty() && cased.back() == 's' && case_facts(cased.substr(0, cased.size() - 1)).all_capitals;
    case Test::name: {
      CaseFacts facts = case_facts(cased);
      return facts.upper_first || facts.all_capitals;
    }
  }
  return false;
}

bool Patterns::accepts(std::uint32_t number, const Token& token, const Place& place) const {
  const WordTest& test = tests_[number];
  if (test.tagged != token.tagged) return false;
  for (std::uint32_t i = 0; i < test.forms; ++i)
    if (fits(forms_[test.first_form + i], test, token, place)) return true;
  return false;
}

template <class Visit>
void Patterns::each_token(std::uint32_t at, bool rightwards, const Place& place, Visit visit) const {
  const Paragraph& paragraph = *place.paragraph;
  if (rightwards ? at >= paragraph.end_word : at <= paragraph.first_word) return;
  std::uint32_t word = rightwards ? at : at - 1;
  visit(place.word(word));
  if (place.text.words()[word].tag) visit(place.tagged(word, key_));
  if (paragraph.first_joined == paragraph.end_joined) return;
  auto joined = place.text.joined();
  auto first = joined.begin() + paragraph.first_joined, last = joined.begin() + paragraph.end_joined;
  auto it = rightwards ? std::lower_bound(first, last, word, [](const JoinedWord& j, std::uint32_t w) { return j.first < w; })
                       : std::lower_bound(first, last, word, [](const JoinedWord& j, std::uint32_t w) { return j.last < w; });
  if (it != last && (rightwards ? it->first : it->last) == word)
    visit(place.joined(static_cast<std::uint32_t>(it - joined.begin())));
}

void Patterns::advance_word(std::uint32_t test, bool rightwards, const Place& place, const std::vector<std::uint32_t>& from,
                            std::vector<std::uint32_t>& to) const {
  for (std::uint32_t at : from) {
    each_token(at, rightwards, place, [&](const Token& token) {
      std::uint32_t other = rightwards ? token.end : token.begin;
      if (accepts(test, token, place) && std::find(to.begin(), to.end(), other) == to.end()) to.push_back(other);
    });
  }
}

// Moves the places in `here` over one step.
void Patterns::advance(Step step, bool rightwards, const Place& place) const {
  Work& work = place.work;
  work.next.clear();
  const Run* run = step & run_step ? &runs_[step & ~run_step] : nullptr;
  advance_word(run ? run->test : step, rightwards, place, work.here, work.next);
  if (run) {
    std::vector<std::uint32_t> from = work.here, to;
    for (std::uint32_t i = 0; i < run->parts && !from.empty(); ++i) {
      to.clear();
      std::uint32_t part = rightwards ? i : run->parts - 1 - i;
      advance_word(parts_[run->first_part + part], rightwards, place, from, to);
      std::swap(from, to);
    }
    for (std::uint32_t at : from)
      if (std::find(work.next.begin(), work.next.end(), at) == work.next.end()) work.next.push_back(at);
  }
  std::swap(work.here, work.next);
}

void Patterns::try_key(std::uint32_t number, const Token& left, const Token* right, const Place& place) const {
  Key key = keys_[number];
  const Sequence& sequence = sequences_[number];
  const Step* steps = &steps_[sequence.first_step];
  std::uint32_t count = sequences_[number + 1].first_step - sequence.first_step, at = key & most_key_step;
  bool pair = key & pair_key;
  if (!accepts(steps[at], left, place)) return;
  if (pair && (!right || !accepts(steps[at + 1], *right, place))) return;
  std::uint32_t begin = left.begin, end = pair ? right->end : left.end;
  std::uint32_t after = at + (pair ? 2u : 1u);
  if (at == 0 && after == count) return place.emit(sequence.pattern, begin, end);
  Work& work = place.work;
  work.here.assign(1, end);
  for (std::uint32_t i = after; i < count && !work.here.empty(); ++i) advance(steps[i], true, place);
  if (work.here.empty()) return;
  work.ends = work.here;
  work.here.assign(1, begin);
  for (std::uint32_t i = at; i-- > 0 && !work.here.empty();) advance(steps[i], false, place);
  for (std::uint32_t from : work.here)
    for (std::uint32_t to : work.ends) place.emit(sequence.pattern, from, to);
}

// A joined or tagged word: a key by itself, and in pairs with what stands beside it.
void Patterns::try_extra(const Token& token, const Place& place) const {
  index_.find_single(token.hash, [&](std::uint32_t key) { try_key(key, token, nullptr, place); });
  each_token(token.begin, false, place, [&](const Token& left) {
    index_.find_pair(left.hash, token.hash, [&](std::uint32_t key) { try_key(key, left, &token, place); });
  });
  each_token(token.end, true, place, [&](const Token& right) {
    if (right.joined || right.tagged) return;  // met as its left neighbour
    index_.find_pair(token.hash, right.hash, [&](std::uint32_t key) { try_key(key, token, &right, place); });
  });
}

void Patterns::find_prefixes(const Token& token, const Place& place) const {
  std::string_view word = place.reduced(token);
  if (word.size() < 3) return;
  auto lengths = prefix_lengths_.find(first_three(word));
  if (lengths == prefix_lengths_.end()) return;
  for (std::uint16_t length : lengths->second) {
    if (length > word.size()) break;
    auto keys = prefix_keys_.find(word_hash(key_, word.substr(0, length)));
    if (keys == prefix_keys_.end()) continue;
    for (std::uint32_t key : keys->second) try_key(key, token, nullptr, place);
  }
}

// One pass over the words, without a branch that depends on the text: hashes, and the few words that need more.
void Patterns::hash_words(const PreparedText& text, Work& work) const {
  auto words = text.words();
  std::size_t n = words.size();
  if (work.hashes.size() < n) {
    work.hashes.resize(n + n / 2);
    work.tagged.resize(n + n / 2);
    work.starts.resize(n + n / 2);
  }
  const HashKey key = key_;
  const std::uint64_t* prefixes = prefix_starts_.data();
  std::uint64_t* hashes = work.hashes.data();
  std::uint32_t *tagged = work.tagged.data(), *starts = work.starts.data();
  std::size_t tags = 0, begins = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Word& word = words[i];
    const char* at = text.reduced(word).data();
    hashes[i] = word_hash_padded(key, at, word.reduced_size);
    std::uint32_t four;
    std::memcpy(&four, at, 4);
    std::uint32_t bucket = start_bucket(four & 0xFFFFFF);
    starts[begins] = static_cast<std::uint32_t>(i);
    begins += prefixes[bucket >> 6] >> (bucket & 63) & 1;
    tagged[tags] = static_cast<std::uint32_t>(i);
    tags += word.tag != 0;
  }
  work.tags = tags;
  work.begins = begins;
  auto joined = text.joined();
  if (work.joined_hashes.size() < joined.size()) work.joined_hashes.resize(joined.size() * 2);
  for (std::size_t i = 0; i < joined.size(); ++i)
    work.joined_hashes[i] = word_hash_padded(key, text.reduced(joined[i].word).data(), joined[i].word.reduced_size);
}

void Patterns::find(const PreparedText& text, Grammar grammar, Work& work) const {
  work.hits.clear();
  if (count_ == 0) return;
  hash_words(text, work);
  Place place{text, work, static_cast<std::uint8_t>(1u << static_cast<unsigned>(grammar))};
  auto paragraphs = text.paragraphs();
  // Each of the lists is in the order of the text; the paragraph is looked for from where the last word was.
  auto go_to = [&](std::uint32_t word) {
    while (paragraphs[place.number].end_word <= word) ++place.number;
    place.paragraph = &paragraphs[place.number];
  };
  auto more = [&] { return work.hits.size() < most_hits; };
  TermIndex::Candidates& found = work.candidates;
  index_.candidates({work.hashes.data(), text.words().size()}, found);
  for (std::size_t i = 0; i < found.single_count && more(); ++i) {
    std::uint32_t at = found.singles[i];
    index_.singles_of(work.hashes[at], [&](std::uint32_t key) {
      go_to(at);
      try_key(key, place.word(at), nullptr, place);
    });
  }
  place.number = 0;
  for (std::size_t i = 0; i < found.pair_count && more(); ++i) {
    std::uint32_t at = found.pairs[i];
    index_.pairs_of(work.hashes[at], work.hashes[at + 1], [&](std::uint32_t key) {
      go_to(at);
      if (at + 1 >= place.paragraph->end_word) return;
      Token right = place.word(at + 1);
      try_key(key, place.word(at), &right, place);
    });
  }
  place.number = 0;
  auto joined = text.joined();
  for (std::uint32_t i = 0; i < joined.size() && more(); ++i) {
    go_to(joined[i].first);
    try_extra(place.joined(i), place);
  }
  place.number = 0;
  for (std::size_t i = 0; i < work.tags && more(); ++i) {
    go_to(work.tagged[i]);
    try_extra(place.tagged(work.tagged[i], key_), place);
  }
  place.number = 0;
  for (std::size_t i = 0; i < work.begins && more(); ++i) {
    go_to(work.starts[i]);
    find_prefixes(place.word(work.starts[i]), place);
  }
  std::sort(work.hits.begin(), work.hits.end());
  work.hits.erase(std::unique(work.hits.begin(), work.hits.end()), work.hits.end());
}

std::size_t Patterns::bytes() const {
  return arena_.size() + forms_.size() * sizeof(Form) + tests_.size() * sizeof(WordTest) + steps_.size() * sizeof(Step) +
         parts_.size() * 4 + runs_.size() * sizeof(Run) + sequences_.size() * sizeof(Sequence) + keys_.size() * sizeof(Key) +
         tagged_first_.size() / 8 + prefix_starts_.size() * 8 + prefix_keys_.size() * 64 + index_.bytes();
}

// --- building ------------------------------------------------------------------------------------------------------

std::uint32_t Patterns::Builder::store(std::string_view text) {
  auto at = static_cast<std::uint32_t>(out_.arena_.size());
  out_.arena_.insert(out_.arena_.end(), text.begin(), text.end());
  return at;
}

namespace {

// Occurrences in a thousand articles of a word of so many bytes that is no common one: rare words are long.
float guess(std::string_view reduced) {
  static const float by_size[] = {2000, 2000, 900, 300, 150, 100, 70, 60, 50, 40, 30};
  static const std::unordered_map<std::string_view, float> common = [] {
    std::unordered_map<std::string_view, float> words;
    for (std::string_view word :
         {"the", "to", "of", "and", "a", "in", "that", "for", "is", "on", "s", "it", "with", "as", "was", "at", "by", "he",
          "be", "from", "are", "have", "has", "but", "an", "his", "not", "said", "this", "will", "they", "who", "i", "we",
          "their", "which", "you", "been", "had", "more", "one", "were", "or", "would", "its", "about", "when", "after"})
      words.emplace(word, 4000.0f);
    for (std::string_view word :
         {"new", "people", "year", "years", "time", "first", "two", "last", "also", "than", "up", "out", "can", "could", "all",
          "there", "what", "over", "her", "she", "him", "if", "so", "into", "no", "some", "our", "other", "because", "just",
          "government", "president", "state", "states", "united", "country", "world", "police", "week", "day", "company",
          "market", "million", "billion", "percent", "group", "city", "house", "war", "news", "report", "us", "u", "uk",
          "minister", "party", "election", "security", "south", "north", "international", "national", "public", "court",
          "business", "economy", "economic", "bank", "trade", "china", "russia", "ukraine", "israel", "trump", "american",
          "chinese", "russian", "european", "union", "military", "officials", "official", "according", "monday", "tuesday",
          "wednesday", "thursday", "friday", "saturday", "sunday", "limited", "ltd", "llc", "inc", "co", "corp", "al", "de"})
      words.emplace(word, 1000.0f);
    return words;
  }();
  if (auto it = common.find(reduced); it != common.end()) return it->second;
  return by_size[std::min<std::size_t>(reduced.size(), 10)];
}

}  // namespace

float Patterns::Builder::weight(std::uint32_t test) const { return weights_[test]; }

std::uint32_t Patterns::Builder::word_test(const WordKey& word) {
  bytes_.clear();
  for (std::string_view part : {word.reduced, word.cased}) {
    bytes_ += part;
    bytes_ += '\0';
  }
  for (int part : {static_cast<int>(word.match), static_cast<int>(word.letters), int{word.initialism}, int{word.tag}})
    bytes_ += static_cast<char>(part);
  auto [number, fresh] = words_.add(bytes_, static_cast<std::uint32_t>(out_.tests_.size()));
  if (!fresh) return number;
  bool prefix = word.match == MatchMode::prefix;
  struct Made {
    WordForm form;
    std::uint8_t grammars;
  };
  std::vector<Made> made;
  auto add = [&](WordForm form, std::uint8_t grammar) {
    for (Made& other : made)
      if (other.form == form) return static_cast<void>(other.grammars |= grammar);
    made.push_back({std::move(form), grammar});
  };
  constexpr auto every_grammar = static_cast<std::uint8_t>((1u << grammar_count) - 1);
  std::uint32_t length = count_code_points(word.reduced);
  if (word.tag || prefix || word.match == MatchMode::exact) {
    add({(word.tag ? std::string(1, word.tag) : std::string()) + std::string(word.reduced), length}, every_grammar);
  } else {
    AuthorWord author{word.reduced, word.cased, word.initialism};
    for (std::size_t g = 0; g < grammar_count; ++g) {
      auto grammar = static_cast<Grammar>(g);
      for (WordForm& form : word.match == MatchMode::inflected ? inflected_forms(grammar, author) : name_forms(grammar, author))
        add(std::move(form), static_cast<std::uint8_t>(1u << g));
    }
  }
  bool capital = case_facts(word.cased).upper_first;
  WordTest test{static_cast<std::uint32_t>(out_.forms_.size()), static_cast<std::uint16_t>(made.size()), prefix, word.tag != 0};
  float sum = 0;
  for (const Made& one : made) {
    bool whole = one.form.text == word.reduced;
    std::string_view cased;
    Test check = Test::any;
    if (word.tag || word.letters == CaseMode::any) {
      check = Test::any;
    } else if (word.letters == CaseMode::exact) {
      check = whole && !prefix ? Test::exact : Test::kept;
      cased = one.form.kept >= length ? word.cased : head(word.cased, one.form.kept);
    } else if (word.initialism) {
      check = whole ? Test::initialism : Test::initialism_ending;
    } else if (word.letters == CaseMode::name && capital) {
      check = Test::name;
    }
    Form form{};
    form.hash = word_hash(key_, one.form.text);
    form.text = store(one.form.text);
    form.text_size = static_cast<std::uint16_t>(one.form.text.size());
    form.cased = store(cased);
    form.cased_size = static_cast<std::uint16_t>(cased.size());
    form.grammars = one.grammars;
    form.test = check;
    out_.forms_.push_back(form);
    sum += guess(one.form.text) * (check == Test::any ? 1.0f : 0.5f) * (prefix ? 5.0f : word.tag ? 0.05f : 1.0f);
  }
  out_.tests_.push_back(test);
  weights_.push_back(sum);
  return number;
}

std::uint32_t Patterns::Builder::add(std::string_view term, const PatternOptions& options) {
  text_.prepare_paragraph(term);
  auto words = text_.words();
  auto joined = text_.joined();
  if (words.empty()) return UINT32_MAX;
  bool any_lower = false;
  for (const Word& word : words) any_lower = any_lower || case_facts(text_.cased(word)).has_lower;
  bool no_initialisms = words.size() >= 2 && !any_lower;
  CaseMode letters = options.how.letters;
  if (letters == CaseMode::name && no_initialisms) letters = CaseMode::any;

  auto key_of = [&](const Word& word, bool last, bool free, char tag) {
    WordKey key;
    key.reduced = text_.reduced(word);
    key.match = last ? options.how.match : options.how.others;
    key.letters = free ? CaseMode::any : letters;
    key.tag = tag;
    std::string_view cased = text_.cased(word);
    bool by_itself = key.letters == CaseMode::automatic || key.letters == CaseMode::name;
    key.initialism = by_itself && !no_initialisms && is_initialism(cased);
    key.cased = cased;
    return key;
  };
  std::vector<Unit>& units = units_;
  units.clear();
  std::size_t run = 0;
  auto free_at = [&](std::uint32_t i) { return i >= options.free_from && i < options.free_to; };
  for (std::uint32_t i = 0; i < words.size();) {
    while (run < joined.size() && joined[run].first < i) ++run;
    bool is_run = run < joined.size() && joined[run].first == i && !words[i].tag;
    if (!is_run) {
      units.push_back({word_test(key_of(words[i], i + 1 == words.size(), free_at(i), words[i].tag)), {}});
      ++i;
      continue;
    }
    std::uint32_t last = joined[run].last;
    bool ends = last + 1 == words.size(), free = true;
    Unit unit{0, {}};
    for (std::uint32_t part = i; part <= last; ++part) {
      free = free && free_at(part);
      unit.parts.push_back(word_test(key_of(words[part], ends && part == last, free_at(part), 0)));
    }
    unit.test = word_test(key_of(joined[run].word, ends, free, 0));
    units.push_back(std::move(unit));
    i = last + 1;
  }
  bytes_.clear();
  auto append = [&](std::uint32_t value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (const Unit& unit : units) {
    append(unit.test);
    append(static_cast<std::uint32_t>(unit.parts.size()));
    for (std::uint32_t part : unit.parts) append(part);
  }
  auto [number, fresh] = patterns_.add(bytes_, out_.count_);
  if (!fresh) return number;
  ++out_.count_;
  out_.tagged_first_.push_back(words[0].tag != 0);
  float rarest = 1e9f;
  for (const Unit& unit : units) {
    float here = weight(unit.test);
    if (!unit.parts.empty()) {
      float parts = 1e9f;
      for (std::uint32_t part : unit.parts) parts = std::min(parts, weight(part));
      here += parts * 0.1f;
    }
    rarest = std::min(rarest, here);
  }
  frequency_.push_back(units.size() > 1 ? rarest * 0.1f : rarest);
  add_sequences(number, units);
  return number;
}

// A run is its parts or its whole: two sequences each, for the first four runs of a term; further ones stay run steps.
void Patterns::Builder::add_sequences(std::uint32_t pattern, const std::vector<Unit>& units) {
  std::uint32_t runs = 0;
  for (const Unit& unit : units) runs += !unit.parts.empty();
  runs = std::min(runs, 4u);
  for (std::uint32_t choice = 0; choice < 1u << runs; ++choice) {
    out_.sequences_.push_back({pattern, static_cast<std::uint32_t>(out_.steps_.size())});
    std::uint32_t run = 0;
    for (const Unit& unit : units) {
      if (unit.parts.empty()) {
        out_.steps_.push_back(unit.test);
      } else if (run < runs) {
        if (choice >> run++ & 1) {
          out_.steps_.push_back(unit.test);
        } else {
          for (std::uint32_t part : unit.parts) out_.steps_.push_back(part);
        }
      } else {
        out_.steps_.push_back(run_step | static_cast<std::uint32_t>(out_.runs_.size()));
        out_.runs_.push_back({unit.test, static_cast<std::uint32_t>(out_.parts_.size()), static_cast<std::uint32_t>(unit.parts.size())});
        out_.parts_.insert(out_.parts_.end(), unit.parts.begin(), unit.parts.end());
      }
    }
  }
}

Patterns Patterns::Builder::build() {
  TermIndex::Builder index;
  auto sequences = static_cast<std::uint32_t>(out_.sequences_.size());
  out_.sequences_.push_back({0, static_cast<std::uint32_t>(out_.steps_.size())});
  out_.keys_.assign(sequences, 0);
  for (std::uint32_t s = 0; s < sequences; ++s) {
    const Step* steps = &out_.steps_[out_.sequences_[s].first_step];
    std::uint32_t count = std::min(out_.sequences_[s + 1].first_step - out_.sequences_[s].first_step, most_key_step);
    auto plain = [&](std::uint32_t i) { return !(steps[i] & run_step) && !out_.tests_[steps[i]].prefix; };
    std::uint32_t best = UINT32_MAX, prefix = 0;
    bool pair = false;
    float cost = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!plain(i)) {
        prefix = i;
        continue;
      }
      float here = weight(steps[i]);
      bool two = i + 1 < count && plain(i + 1) && out_.tests_[steps[i]].forms * out_.tests_[steps[i + 1]].forms <= 64;
      if (two) here *= weight(steps[i + 1]) * 1e-4f;
      if (best == UINT32_MAX || (two && !pair) || (two == pair && here < cost)) {
        best = i;
        pair = two;
        cost = here;
      }
    }
    if (best == UINT32_MAX) {
      // A prefix by itself: of a term that has a run step, words of other runs were plain.
      out_.keys_[s] = static_cast<Key>(prefix);
      const Form& form = out_.forms_[out_.tests_[steps[prefix]].first_form];
      if (form.text_size < 3) continue;  // no prefix is so short
      std::string_view text{out_.arena_.data() + form.text, form.text_size};
      auto& lengths = out_.prefix_lengths_[first_three(text)];
      auto at = std::lower_bound(lengths.begin(), lengths.end(), form.text_size);
      if (at == lengths.end() || *at != form.text_size) lengths.insert(at, form.text_size);
      out_.prefix_keys_[form.hash].push_back(s);
      continue;
    }
    out_.keys_[s] = static_cast<Key>(best | (pair ? pair_key : 0u));
    const WordTest& left = out_.tests_[steps[best]];
    for (std::uint32_t i = 0; i < left.forms; ++i) {
      std::uint64_t hash = out_.forms_[left.first_form + i].hash;
      if (!pair) {
        index.add_single(hash, s);
        continue;
      }
      const WordTest& right = out_.tests_[steps[best + 1]];
      bool anchor_left = weight(steps[best]) <= weight(steps[best + 1]);
      for (std::uint32_t j = 0; j < right.forms; ++j)
        index.add_pair(hash, out_.forms_[right.first_form + j].hash, anchor_left, s);
    }
  }
  for (auto& [start, lengths] : out_.prefix_lengths_) {
    std::uint32_t bucket = start_bucket(start);
    out_.prefix_starts_[bucket >> 6] |= std::uint64_t{1} << (bucket & 63);
  }
  out_.key_ = key_;
  out_.index_ = TermIndex(std::move(index), key_);
  return std::move(out_);
}

}  // namespace newswatch::engine

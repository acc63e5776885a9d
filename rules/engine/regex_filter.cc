#include "rules/engine/regex_filter.h"

#include <algorithm>
#include <cstring>

#include <re2/filtered_re2.h>
#include <re2/re2.h>

// RE2 says which literals ("atoms", in small letters) an expression needs, as a tree of and and or; the atoms found in a
// text give the expressions that may match. Atoms are looked for at every byte by a bitmap of their first three bytes.
//
// Small letters here are ASCII only, so an atom with other letters is taken to be in every text. And two characters fold
// to ASCII letters: the long s and the Kelvin sign; a text with one of them passes every filter.

namespace newswatch::engine {
namespace {

constexpr int shortest_atom = 3;

std::uint32_t three_bytes(const char* at) {
  auto byte = [&](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(at[i])); };
  return byte(0) | byte(1) << 8 | byte(2) << 16;
}
std::uint32_t bucket_of(std::uint32_t three) { return (three * 0x9E3779B1u) >> 16; }

}  // namespace

RegexFilter::RegexFilter() : set_(std::make_shared<re2::FilteredRE2>(shortest_atom)) {}
RegexFilter::~RegexFilter() = default;
RegexFilter::RegexFilter(RegexFilter&&) noexcept = default;
RegexFilter& RegexFilter::operator=(RegexFilter&&) noexcept = default;

std::shared_ptr<const re2::RE2> RegexFilter::add(const std::string& source, std::uint32_t& number) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_longest_match(true);
  int id = 0;
  if (set_->Add(source, options, &id) != re2::RE2::NoError) return nullptr;
  number = static_cast<std::uint32_t>(id);
  return {set_, &set_->GetRE2(id)};
}

void RegexFilter::build() {
  int count = set_->NumRegexps();
  if (count == 0) return;
  set_->Compile(&atoms_);
  filters_.assign(static_cast<std::size_t>(count), 1);
  // Those that pass without any atom have none that they need.
  std::vector<int> always;
  set_->AllPotentials({}, &always);
  for (int number : always) filters_[static_cast<std::size_t>(number)] = 0;
  any_ = std::find(filters_.begin(), filters_.end(), 1) != filters_.end();
  starts_.assign(65536 / 64, 0);
  for (int i = 0; i < static_cast<int>(atoms_.size()); ++i) {
    const std::string& atom = atoms_[static_cast<std::size_t>(i)];
    if (atom.size() < shortest_atom || std::any_of(atom.begin(), atom.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
      everywhere_.push_back(i);
      continue;
    }
    std::uint32_t three = three_bytes(atom.data()), bucket = bucket_of(three);
    starts_[bucket >> 6] |= std::uint64_t{1} << (bucket & 63);
    by_start_[three].push_back(i);
  }
}

void RegexFilter::find(std::string_view text, Work& work) const {
  work.found.clear();
  if (!any_) return;
  if (text.find("\xC5\xBF") != std::string_view::npos || text.find("\xE2\x84\xAA") != std::string_view::npos) {
    for (std::uint32_t i = 0; i < filters_.size(); ++i)
      if (filters_[i]) work.found.push_back(i);
    return;
  }
  work.atoms = everywhere_;
  for (std::size_t at = 0; at + shortest_atom <= text.size(); ++at) {
    std::uint32_t three = three_bytes(text.data() + at), bucket = bucket_of(three);
    if (!(starts_[bucket >> 6] >> (bucket & 63) & 1)) continue;
    auto atoms = by_start_.find(three);
    if (atoms == by_start_.end()) continue;
    for (int number : atoms->second) {
      const std::string& atom = atoms_[static_cast<std::size_t>(number)];
      if (text.substr(at, atom.size()) == atom) work.atoms.push_back(number);
    }
  }
  if (work.atoms.empty()) return;
  std::sort(work.atoms.begin(), work.atoms.end());
  work.atoms.erase(std::unique(work.atoms.begin(), work.atoms.end()), work.atoms.end());
  set_->AllPotentials(work.atoms, &work.numbers);
  for (int number : work.numbers)
    if (filters_[static_cast<std::size_t>(number)]) work.found.push_back(static_cast<std::uint32_t>(number));
  std::sort(work.found.begin(), work.found.end());
}

}  // namespace newswatch::engine

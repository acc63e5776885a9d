#include "rules/engine/russian_names.h"

#include <algorithm>

#include "rules/engine/characters.h"

namespace newswatch::engine {

// Which declension a name follows shows in its last letters; where two are possible (Толстой, герой; Гоголь, Рязань)
// the forms of both are taken: a form that no one writes finds nothing. Inside, й is one letter; reduced words hold it
// as и with a breve, and ё is е throughout.

namespace {

using Letters = std::u32string;
using Endings = std::u32string_view;  ///< separated by blanks; "-" is no ending

Letters letters_of(std::string_view reduced) {
  Letters out;
  for (std::size_t at = 0; at < reduced.size();) {
    const char32_t c = decode(reduced, at);
    if (c == 0x0306 && !out.empty() && out.back() == U'и') {
      out.back() = U'й';
    } else if (c >= U'а' && c <= U'я') {
      out.push_back(c);
    } else {
      return {};
    }
  }
  return out;
}

std::string reduced_of(const Letters& letters) {
  std::vector<char> out;
  for (const char32_t c : letters) {
    append_utf8(c == U'й' ? U'и' : c, out);
    if (c == U'й') append_utf8(0x0306, out);
  }
  return {out.begin(), out.end()};
}

bool is_one_of(char32_t c, std::u32string_view set) { return set.find(c) != std::u32string_view::npos; }
bool is_vowel(char32_t c) { return is_one_of(c, U"аеиоуыэюя"); }
bool is_hushing(char32_t c) { return is_one_of(c, U"жшщчц"); }

class Declension {
 public:
  explicit Declension(Letters word) : word_(std::move(word)) {}

  std::vector<std::string> forms() {
    if (word_.size() < 3) return {};
    const char32_t last = word_.back();
    if (last == U'й') {
      ends_in_short_i();
    } else if (last == U'ь') {
      replace(1, U"я ю ем е и ью ей ям ями ях");
    } else if (last == U'а') {
      ends_in_a();
    } else if (last == U'я') {
      ends_in_ya();
    } else if (last == U'о') {
      if (!ends(U"ко")) replace(1, U"а у ом е");
    } else if (last == U'е') {
      ends_in_ye();
    } else if (last == U'ы') {
      replace(1, U"- ам ами ах ов");
    } else if (!is_vowel(last) && last != U'ъ') {
      ends_in_consonant();
    }
    return std::move(out_);
  }

 private:
  bool ends(std::u32string_view ending) const { return word_.ends_with(ending); }

  /// The word less `letters` letters, with each of the endings.
  void replace(std::size_t letters, Endings endings) {
    const Letters stem = word_.substr(0, word_.size() - letters);
    while (!endings.empty()) {
      const std::size_t end = std::min(endings.find(U' '), endings.size());
      const Endings ending = endings.substr(0, end);
      out_.push_back(reduced_of(ending == U"-" ? stem : stem + Letters(ending)));
      endings.remove_prefix(std::min(end + 1, endings.size()));
    }
  }

  void ends_in_consonant() {
    const char32_t last = word_.back();
    if (ends(U"ых") || ends(U"их")) return;  // Черных
    replace(0, U"а у ом е");
    if (is_hushing(last)) replace(0, U"ем");
    replace(0, is_one_of(last, U"гкхжшщч") ? U"и ам ами ах" : U"ы ам ами ах");
    replace(0, is_hushing(last) ? U"ей ев" : U"ов");
    if (ends(U"ов") || ends(U"ев") || ends(U"ин") || ends(U"ын")) replace(0, U"ым ых ыми");
    if (ends(U"ец")) replace(2, U"ца цу цем цом це цы цам цами цах цев цов");
    if (ends(U"лец")) replace(3, U"льца льцу льцем льцом льце льцы льцам льцами льцах");
    if (ends(U"ок")) replace(2, U"ка ку ком ке ки кам ками ках ков");
    if (ends(U"авел")) replace(2, U"ла лу лом ле");
    if (word_ == U"лев") replace(2, U"ьва ьву ьвом ьве");
  }

  void ends_in_short_i() {
    if (ends(U"ый")) {
      replace(2, U"ого ому ым ом ые ых ыми");
    } else if (ends(U"ой")) {
      replace(2, U"ого ому ым им ом ые ие ых их ыми ими");
      replace(1, U"я ю ем е");
    } else if (ends(U"кий") || ends(U"гий") || ends(U"хий")) {
      replace(2, U"ого ому им ом ие их ими");
    } else if (ends(U"ий")) {
      replace(1, U"я ю ем и ев ям ями ях");
      if (ends(U"ний") || ends(U"жий") || ends(U"ший") || ends(U"чий")) replace(2, U"его ему им ем ие их ими");
    } else {
      replace(1, U"я ю ем е и ев ям ями ях");
    }
  }

  void ends_in_a() {
    const char32_t before = word_[word_.size() - 2];
    replace(1, is_one_of(before, U"гкхжшщч") ? U"и е у ой ою ам ами ах" : U"ы е у ой ою ам ами ах");
    if (is_hushing(before)) replace(1, U"ей ею");
    if (!is_vowel(before)) replace(1, U"-");
  }

  void ends_in_ya() {
    if (ends(U"ая")) {
      replace(2, U"ой ую ою ые ие ых их ым им ыми ими");
      replace(1, U"и е ю ей");
    } else if (ends(U"яя")) {
      replace(2, U"ей юю ею");
    } else if (ends(U"ия")) {
      replace(1, U"и ю ей ею й ям ями ях");
    } else {
      replace(1, U"и е ю ей ею ям ями ях");
    }
  }

  void ends_in_ye() {
    if (ends(U"ое")) {
      replace(2, U"ого ому ым им ом");
    } else if (ends(U"ье") || ends(U"ие")) {
      replace(1, U"я ю ем и");
    } else if (ends(U"ые") || ends(U"ие")) {
      replace(2, U"ых ым ыми их им ими");
    } else if (ends(U"це") || ends(U"ще") || ends(U"же")) {
      replace(1, U"а у ем");
    } else {
      replace(1, U"я ю ем");
    }
  }

  const Letters word_;
  std::vector<std::string> out_;
};

}  // namespace

std::vector<std::string> russian_name_forms(std::string_view reduced) {
  return Declension(letters_of(reduced)).forms();
}

}  // namespace newswatch::engine

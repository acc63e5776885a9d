#include "daemon/replay/article_files.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>

namespace newswatch::replay {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

class ArticleFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = (std::filesystem::temp_directory_path() / "article-files-XXXXXX").string();
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string file(const std::string& name, const std::string& bytes) const {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  /// Every line as "file:number:text"; an error as its code.
  static std::vector<std::string> all(std::vector<std::string> paths, std::size_t most = 1 << 20) {
    ArticleFiles files(std::move(paths), most);
    ArticleFiles::Line line;
    std::vector<std::string> out;
    for (;;) {
      const auto got = files.next(line);
      if (!got) {
        out.push_back(got.error().code);
      } else if (*got) {
        out.push_back(std::to_string(line.file) + ":" + std::to_string(line.number) + ":" + std::string(line.text));
      } else {
        return out;
      }
    }
  }
  std::string directory_;
};

using Lines = std::vector<std::string>;

TEST_F(ArticleFilesTest, ReadsLinesOfEveryPackingTheSame) {
  const std::string text = "one\r\n\n  \ntwo\nlast without end";
  const Lines expected{"0:1:one", "0:4:two", "0:5:last without end"};
  EXPECT_EQ(all({file("plain", text)}), expected);
  EXPECT_EQ(all({file("gzip", gzip(text))}), expected);
  EXPECT_EQ(all({file("zstd", zstd(text))}), expected);
  EXPECT_EQ(all({file("gzip-members", gzip(text.substr(0, 7)) + gzip(text.substr(7)))}), expected);
  EXPECT_EQ(all({file("zstd-frames", zstd(text.substr(0, 7)) + zstd(text.substr(7)))}), expected);
}

TEST_F(ArticleFilesTest, ReadsMoreThanItsBuffersHold) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i) + "\n";
  for (const std::string& bytes : {text, gzip(text), zstd(text)}) {
    const Lines lines = all({file("large", bytes)});
    ASSERT_EQ(lines.size(), 200'000u);
    EXPECT_EQ(lines.back(), "0:200000:199999");
  }
}

TEST_F(ArticleFilesTest, GoesOnWithTheNextFileAfterOneThatCannotBeRead) {
  const std::string whole = gzip(std::string(100'000, 'x') + "\n" + std::string("second\n"));
  EXPECT_EQ(all({directory_ + "/absent", file("good", "a\n")}), (Lines{"unreadable_file", "1:1:a"}));
  EXPECT_EQ(all({directory_, file("good", "a\n")}), (Lines{"unreadable_file", "1:1:a"}));
  EXPECT_EQ(all({file("cut", whole.substr(0, whole.size() - 12)), file("good", "a\n")}).back(), "1:1:a");
  const Lines cut = all({file("cut.zst", zstd("one\ntwo\n").substr(0, 10)), file("good", "a\n")});
  EXPECT_EQ(cut, (Lines{"damaged_file", "1:1:a"}));
  std::string broken = gzip("one\ntwo\n");
  broken[12] = static_cast<char>(broken[12] ^ 0x55);
  const Lines damaged = all({file("broken.gz", broken), file("good", "a\n")});
  EXPECT_NE(std::find(damaged.begin(), damaged.end(), "damaged_file"), damaged.end());
  EXPECT_EQ(damaged.back(), "1:1:a");
}

TEST_F(ArticleFilesTest, KeepsOnlyTheBeginningOfALineThatIsTooLong) {
  const Lines lines = all({file("long", std::string(5'000'000, 'x') + "\nshort\n")}, 1000);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "0:1:" + std::string(1001, 'x'));
  EXPECT_EQ(lines[1], "0:2:short");
}

TEST_F(ArticleFilesTest, EmptyFilesHaveNoLines) {
  EXPECT_EQ(all({file("empty", ""), file("blank", "\n\n"), file("empty.gz", gzip("")), file("empty.zst", zstd(""))}), Lines{});
  EXPECT_EQ(all({}), Lines{});
}

}  // namespace
}  // namespace newswatch::replay

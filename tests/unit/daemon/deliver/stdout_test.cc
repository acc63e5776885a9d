#include "daemon/deliver/stdout.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>

#include "daemon/flow/record_codec.h"
#include "daemon/http/client.h"
#include "tests/support/sample_alert.h"

namespace newswatch::deliver {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<Letter> sample() {
  auto letter = std::make_shared<Letter>();
  letter->alert = test::sample_alert("out", 1, {"out"});
  letter->value = flow::encode(letter->alert);
  return letter;
}

TEST(StdoutLine, IsTheAlertInOneLineOfJson) {
  const auto letter = sample();
  EXPECT_EQ(stdout_line(*letter, StdoutSettings::Format::json), letter->value + "\n");
  letter->value = "{\n\"a\":\r\n1}";
  EXPECT_EQ(stdout_line(*letter, StdoutSettings::Format::json), "{ \"a\":  1}\n");
}

TEST(StdoutLine, IsTextForAPersonWithTheHitMarked) {
  EXPECT_EQ(stdout_line(*sample(), StdoutSettings::Format::text),
            "2026-01-02T00:00:01.000Z HIGH | Rule 1 | Talks on NATO accession go on | news.example | "
            "https://news.example/1 | "
            "The [NATO accession] of Sweden was discussed in Brussels on Tuesday.\n");
}

TEST(StdoutLine, NothingOfTheArticleStartsALineOrSpeaksToTheTerminal) {
  const auto letter = sample();
  letter->alert.rule.title = letter->alert.article.title = letter->alert.article.source = letter->alert.article.url =
      letter->alert.evidence.snippet = "a\n[forged]\r\x1b[31m\x07\xe2\x80\xae\xc2\x85 b";
  const std::string line = stdout_line(*letter, StdoutSettings::Format::text);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  for (const char c : line.substr(0, line.size() - 1)) EXPECT_GE(static_cast<unsigned char>(c), 0x20u);
  EXPECT_EQ(line.find("\xe2\x80\xae"), std::string::npos);
}

class StdoutSender : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe(pipe_), 0); }
  void TearDown() override {
    ::close(pipe_[0]);  // the other end stays: the writer's thread may be in a call with it
  }
  std::unique_ptr<Sender> open() {
    StdoutSettings settings;
    settings.descriptor = pipe_[1];
    return settings.open(io_.context());
  }
  /// Sends on the io thread, as the dispatcher does.
  std::future<Outcome> send(Sender& sender) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    boost::asio::post(io_.context(), [&sender, promise] {
      sender.send(sample(), Time{}, [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    });
    return promise->get_future();
  }
  void destroy(std::unique_ptr<Sender> sender) {
    std::promise<void> gone;
    boost::asio::post(io_.context(), [&] {
      sender.reset();
      gone.set_value();
    });
    gone.get_future().wait();
  }

  int pipe_[2] = {-1, -1};
  http::IoThread io_;
};

TEST_F(StdoutSender, WritesALine) {
  auto sender = open();
  EXPECT_EQ(send(*sender).get().kind, Outcome::Kind::delivered);
  std::string text(8192, '\0');
  const auto size = ::read(pipe_[0], text.data(), text.size());
  ASSERT_GT(size, 0);
  text.resize(static_cast<std::size_t>(size));
  EXPECT_EQ(text, stdout_line(*sample(), StdoutSettings::Format::json));
  destroy(std::move(sender));
}

TEST_F(StdoutSender, AReaderThatWentAwayIsAnErrorAndNoSignal) {
  auto sender = open();
  ::close(pipe_[0]);
  pipe_[0] = ::dup(pipe_[1]);
  const Outcome outcome = send(*sender).get();
  EXPECT_EQ(outcome.kind, Outcome::Kind::retry);
  EXPECT_TRUE(outcome.endpoint_down);
  destroy(std::move(sender));
}

TEST_F(StdoutSender, APipeThatNobodyReadsHoldsUpNeitherTheIoThreadNorTheEnd) {
  auto sender = open();
  std::vector<std::future<Outcome>> sent;
  for (int i = 0; i < 200; ++i) sent.push_back(send(*sender));  // more than a pipe takes
  std::promise<void> alive;
  boost::asio::post(io_.context(), [&] { alive.set_value(); });
  EXPECT_EQ(alive.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(sent.back().wait_for(0s), std::future_status::timeout);
  destroy(std::move(sender));
}

}  // namespace
}  // namespace newswatch::deliver

#pragma once
// A stage small enough to check by eye, with all that the loop can do to one: it numbers the records of each input
// partition, keeps the number in a compacted topic, and writes each record with its number to an output topic.

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "daemon/kafka/client.h"
#include "daemon/kafka/processor.h"

namespace newswatch::test {

/// What one output record says.
struct Counted {
  std::string topic;  ///< of the input
  int partition = 0;
  std::int64_t offset = 0;
  std::int64_t number = 0;  ///< of the record within its input partition, from 1, as the state had it
  std::string value;
};
std::string to_text(const Counted& counted);
Counted counted_from(const std::string& text);

class CountingProcessor : public kafka::Processor {
 public:
  struct Options {
    std::string output;
    std::string state;  ///< as many partitions as the one input topic; empty: keeps no state, numbers are 0
    kafka::Properties client;
    std::chrono::microseconds work{0};  ///< slept a record
  };
  explicit CountingProcessor(Options options) : options_(std::move(options)), reader_(options_.client) {}

  bool restores() const override { return !options_.state.empty(); }
  Result<std::unique_ptr<kafka::Restored>> restore(const kafka::RestoreContext& context) override;
  Result<std::int64_t> start(const kafka::TopicPartition& partition, std::optional<std::int64_t> committed,
                             std::int64_t earliest, std::unique_ptr<kafka::Restored> restored) override;
  void revoked(std::span<const kafka::TopicPartition> partitions) override;
  void aborted() override;
  void process(const kafka::Record& record, kafka::Output& output) override;
  int phases() const override { return 2; }
  void flush_phase(int phase, std::span<const kafka::Position> positions, kafka::Output& output) override;
  Poison poison(const kafka::Record& record, const Error& error, kafka::Output& output) override;

  std::atomic<int> aborts{0}, starts{0}, processed{0}, poisoned{0}, revocations{0};
  /// A record whose value is `poison` gives one of 200 kB of noise.
  bool parks = true;  ///< else poison() says retry

 private:
  const Options options_;
  kafka::StateReader reader_;
  std::map<kafka::TopicPartition, std::int64_t> numbers_;
  std::map<kafka::TopicPartition, std::int64_t> changed_;
};

}  // namespace newswatch::test

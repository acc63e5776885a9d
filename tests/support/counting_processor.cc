#include "tests/support/counting_processor.h"

#include <sstream>

namespace newswatch::test {
namespace {

struct Number final : kafka::Restored {
  std::int64_t value = 0;
};

}  // namespace

std::string to_text(const Counted& counted) {
  return counted.topic + " " + std::to_string(counted.partition) + " " + std::to_string(counted.offset) + " " +
         std::to_string(counted.number) + " " + counted.value;
}

Counted counted_from(const std::string& text) {
  Counted counted;
  std::istringstream in(text);
  in >> counted.topic >> counted.partition >> counted.offset >> counted.number >> counted.value;
  return counted;
}

Result<std::unique_ptr<kafka::Restored>> CountingProcessor::restore(const kafka::RestoreContext& context) {
  auto number = std::make_unique<Number>();
  const auto read = reader_.read({options_.state, context.partition.partition}, context.cancelled, context.progress,
                                 [&](const kafka::Record& record) {
                                   if (record.value()) number->value = std::stoll(std::string(*record.value()));
                                 });
  if (!read) return read.error();
  return std::unique_ptr<kafka::Restored>(std::move(number));
}

Result<std::int64_t> CountingProcessor::start(const kafka::TopicPartition& partition,
                                              std::optional<std::int64_t> committed, std::int64_t earliest,
                                              std::unique_ptr<kafka::Restored> restored) {
  ++starts;
  numbers_[partition] = restored ? static_cast<Number&>(*restored).value : 0;
  return committed.value_or(earliest);
}

void CountingProcessor::revoked(std::span<const kafka::TopicPartition> partitions) {
  ++revocations;
  for (const auto& partition : partitions) {
    numbers_.erase(partition);
    changed_.erase(partition);
  }
}

void CountingProcessor::aborted() {
  ++aborts;
  numbers_.clear();
  changed_.clear();
}

void CountingProcessor::process(const kafka::Record& record, kafka::Output& output) {
  if (options_.work.count() > 0) std::this_thread::sleep_for(options_.work);
  ++processed;
  Counted counted{record.from().topic, record.from().partition, record.offset(), 0,
                  std::string(record.value().value_or(""))};
  if (restores()) counted.number = changed_[record.from()] = ++numbers_.at(record.from());
  kafka::OutRecord out{options_.output, std::nullopt, to_text(counted), {}, std::nullopt};
  if (record.key()) out.key = std::string(*record.key());
  if (counted.value == "poison") {
    // Noise, so that no compression makes it small: 200 kB, more than a test's topic takes.
    std::uint32_t noise = 1;
    for (int i = 0; i < 200'000; ++i) {
      noise = noise * 1664525 + 1013904223;
      out.value->push_back(static_cast<char>('!' + (noise >> 16) % 90));
    }
  }
  output.produce(std::move(out));
}

void CountingProcessor::flush_phase(int phase, std::span<const kafka::Position>, kafka::Output& output) {
  if (phase != 1) return;
  for (const auto& [partition, number] : changed_)
    output.produce({options_.state, "number", std::to_string(number), {}, partition.partition});
  changed_.clear();
}

kafka::Processor::Poison CountingProcessor::poison(const kafka::Record& record, const Error&, kafka::Output& output) {
  ++poisoned;
  if (!parks) return Poison::retry;
  Counted counted{record.from().topic, record.from().partition, record.offset(), 0, "parked"};
  if (restores()) counted.number = changed_[record.from()] = ++numbers_.at(record.from());
  output.produce({options_.output, std::nullopt, to_text(counted), {}, std::nullopt});
  return Poison::parked;
}

}  // namespace newswatch::test

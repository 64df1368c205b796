// The format. A record is fields one after the other, each: number (varint), length (varint), that many bytes. A field
// that has its default value is left out. Whole numbers are varints of their zigzag form, doubles eight bytes
// little-endian (none for zero), lists the field repeated, nested values records. A varint is seven bits a byte, low
// first (LEB128). Numbers of fields are never used again for something else.
#include "records/exchange_bytes.h"

#include <bit>
#include <type_traits>

#include "base/error.h"

namespace understudy {

namespace {

Error broken(const char* what) {
  return Error(ErrorCode::kInvalidInput, std::string("exchange bytes: ") + what,
               "the record is damaged, or is not an exchange");
}

void put_varint(std::string& bytes, uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  bytes += static_cast<char>(value);
}

uint64_t take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  throw broken("a number without an end");
}

std::string_view take_bytes(std::string_view& bytes) {
  const uint64_t length = take_varint(bytes);
  if (length > bytes.size()) throw broken("a field that is longer than its record");
  const std::string_view field = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return field;
}

constexpr size_t kUsualHeadBytes = 512;

void put_field(std::string& bytes, unsigned number, std::string_view content) {
  put_varint(bytes, number);
  put_varint(bytes, content.size());
  bytes += content;
}

uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

int64_t from_zigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

class Writer {
 public:
  explicit Writer(std::string& bytes) : bytes_(bytes) {}

  template <class T>
  void operator()(unsigned number, const T& value) {
    const std::string content = content_of(value);
    if (!content.empty()) put_field(bytes_, number, content);
  }
  void operator()(unsigned number, const std::string& text) {
    if (!text.empty()) put_field(bytes_, number, text);
  }
  template <class T>
  void operator()(unsigned number, const std::optional<T>& value) {
    if (value) put_field(bytes_, number, content_of(*value));
  }
  template <class T>
  void operator()(unsigned number, const std::vector<T>& items) {
    for (const T& item : items) put_field(bytes_, number, content_of(item));
  }
  void operator()(unsigned number, const std::map<std::string, std::string>& pairs) {
    for (const auto& [name, value] : pairs) {
      std::string pair;
      Writer field(pair);
      field(1, name);
      field(2, value);
      put_field(bytes_, number, pair);
    }
  }

 private:
  static std::string content_of(const std::string& text) { return text; }
  static std::string content_of(Money money) { return content_of(money.nano()); }
  static std::string content_of(double value) {
    std::string content;
    const auto bits = std::bit_cast<uint64_t>(value);
    for (int shift = 0; bits != 0 && shift < 64; shift += 8) content += static_cast<char>(bits >> shift);
    return content;
  }
  template <class T>
  static std::string content_of(const T& value) {
    std::string content;
    if constexpr (std::is_class_v<T>) {
      Writer writer(content);
      each_field(writer, value);
    } else if (static_cast<int64_t>(value) != 0) {
      put_varint(content, zigzag(static_cast<int64_t>(value)));
    }
    return content;
  }

  std::string& bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) {
    while (!bytes.empty()) {
      const uint64_t number = take_varint(bytes);
      fields_.emplace_back(number, take_bytes(bytes));
    }
  }

  template <class T>
  void operator()(unsigned number, T& value) const {
    for (const auto& [name, content] : fields_) {
      if (name == number) read(content, value);
    }
  }

 private:
  static void read(std::string_view content, std::string& text) { text = content; }
  static void read(std::string_view content, Money& money) {
    int64_t nano = 0;
    read(content, nano);
    money = Money::nano_dollars(nano);
  }
  static void read(std::string_view content, double& value) {
    if (!content.empty() && content.size() != 8) throw broken("a number with a fraction that is not eight bytes");
    uint64_t bits = 0;
    for (size_t i = 0; i < content.size(); ++i) bits |= uint64_t{static_cast<unsigned char>(content[i])} << (8 * i);
    value = std::bit_cast<double>(bits);
  }
  template <class T>
  static void read(std::string_view content, std::optional<T>& value) {
    read(content, value.emplace());
  }
  template <class T>
  static void read(std::string_view content, std::vector<T>& items) {
    read(content, items.emplace_back());
  }
  static void read(std::string_view content, std::map<std::string, std::string>& pairs) {
    const Reader pair(content);
    std::string name;
    pair(1, name);
    pair(2, pairs[name]);
  }
  template <class T>
  static void read(std::string_view content, T& value) {
    if constexpr (std::is_class_v<T>) {
      const Reader reader(content);
      each_field(reader, value);
    } else {
      const int64_t whole = content.empty() ? 0 : from_zigzag(take_varint(content));
      if (!content.empty() || !fits<T>(whole)) throw broken("a whole number that its field cannot hold");
      value = static_cast<T>(whole);
    }
  }
  template <class T>
  static bool fits(int64_t whole) {
    if constexpr (std::is_enum_v<T>) return whole >= 0 && whole <= static_cast<int64_t>(last_of(T{}));
    return static_cast<int64_t>(static_cast<T>(whole)) == whole;
  }
  static Terms last_of(Terms) { return Terms::kMayTrain; }
  static ProtocolName last_of(ProtocolName) { return ProtocolName::kGemini; }
  static ExchangeAttempt::Purpose last_of(ExchangeAttempt::Purpose) { return ExchangeAttempt::Purpose::kEscalation; }

  std::vector<std::pair<uint64_t, std::string_view>> fields_;
};

// The tables of fields, for both directions. E: the value, const where it is written.
template <class Archive, class E>
requires std::is_same_v<std::remove_const_t<E>, Usage>
void each_field(Archive& field, E& usage) {
  field(1, usage.input);
  field(2, usage.cached_input);
  field(3, usage.cache_write);
  field(4, usage.cache_write_1h);
  field(5, usage.output);
  field(6, usage.reasoning);
  field(7, usage.estimated);
}

template <class Archive, class E>
requires std::is_same_v<std::remove_const_t<E>, RouteChoice>
void each_field(Archive& field, E& route) {
  field(1, route.task);
  field(2, route.decision);
  field(3, route.reason);
  field(4, route.version);
}

template <class Archive, class E>
requires std::is_same_v<std::remove_const_t<E>, ExchangeAttempt>
void each_field(Archive& field, E& attempt) {
  field(1, attempt.purpose);
  field(2, attempt.provider);
  field(3, attempt.model);
  field(4, attempt.key);
  field(5, attempt.at_ms);
  field(6, attempt.status);
  field(7, attempt.error);
  field(8, attempt.gate);
  field(9, attempt.usage);
  field(10, attempt.cost);
  field(11, attempt.price_version);
  field(12, attempt.first_token_ms);
  field(13, attempt.total_ms);
  field(14, attempt.terms);
}

template <class Archive, class E>
requires std::is_same_v<std::remove_const_t<E>, Exchange>
void each_field(Archive& field, E& exchange) {
  field(1, exchange.id);
  field(2, exchange.at_ms);
  field(3, exchange.endpoint);
  field(4, exchange.protocol);
  field(5, exchange.model);
  field(6, exchange.provider);
  field(7, exchange.provider_model);
  field(8, exchange.task);
  field(9, exchange.fingerprint);
  field(10, exchange.tags);
  field(11, exchange.key);
  field(12, exchange.status);
  field(13, exchange.error);
  field(14, exchange.route);
  field(15, exchange.attempts);
  field(16, exchange.usage);
  field(17, exchange.cost);
  field(18, exchange.first_token_ms);
  field(19, exchange.total_ms);
  field(20, exchange.terms);
  field(21, exchange.stream);
  field(22, exchange.partial);
  field(23, exchange.estimated);
  field(24, exchange.sampled);
}

// The bodies' record: 1 the request, 2 the answer, 3 the attempts' answers in their order.
void write_bodies(const Exchange& exchange, std::string& bytes) {
  Writer field(bytes);
  field(1, exchange.request);
  field(2, exchange.answer);
  bool any = false;
  for (const ExchangeAttempt& attempt : exchange.attempts) any = any || !attempt.answer.empty();
  for (const ExchangeAttempt& attempt : exchange.attempts) {
    if (any) put_field(bytes, 3, attempt.answer);
  }
}

void read_bodies(std::string_view bytes, Exchange& exchange) {
  const Reader field(bytes);
  std::vector<std::string> answers;
  field(1, exchange.request);
  field(2, exchange.answer);
  field(3, answers);
  if (!answers.empty() && answers.size() != exchange.attempts.size()) throw broken("bodies of another exchange");
  for (size_t i = 0; i < answers.size(); ++i) exchange.attempts[i].answer = std::move(answers[i]);
}

void write_head(const Exchange& exchange, std::string& bytes) {
  Writer writer(bytes);
  each_field(writer, exchange);
}

}  // namespace

PackedExchange pack(const Exchange& exchange) {
  PackedExchange packed;
  packed.head.reserve(kUsualHeadBytes);
  write_head(exchange, packed.head);
  packed.bodies.reserve(exchange.request.size() + exchange.answer.size() + 32);
  write_bodies(exchange, packed.bodies);
  return packed;
}

Exchange unpack(std::string_view head, std::string_view bodies) {
  Exchange exchange;
  exchange.sampled = false;  // a flag that is left out is false
  const Reader reader(head);
  each_field(reader, exchange);
  read_bodies(bodies, exchange);
  return exchange;
}

std::string to_bytes(const Exchange& exchange) {
  std::string head;
  write_head(exchange, head);
  std::string bytes;
  bytes.reserve(head.size() + exchange.request.size() + exchange.answer.size() + 32);
  put_varint(bytes, head.size());
  bytes += head;
  write_bodies(exchange, bytes);
  return bytes;
}

Exchange exchange_from_bytes(std::string_view bytes) {
  const std::string_view head = take_bytes(bytes);
  return unpack(head, bytes);
}

}  // namespace understudy

#include "generate/invoices.h"

#include <fmt/format.h>

#include "base/error.h"
#include "generate/dates.h"
#include "generate/names.h"
#include "generate/paper.h"

namespace understudy::examples {
namespace {

struct FieldName {
  std::string_view name;
  Field field;
};
// The words of a layout's placeholders.
constexpr FieldName kPlaceholders[] = {
    {"seller", Field::kSeller},    {"address", Field::kAddress},
    {"number", Field::kNumber},    {"date", Field::kDate},
    {"total", Field::kTotal},      {"currency", Field::kCurrency},
    {"tax", Field::kTax},          {"subtotal", Field::kSubtotal},
    {"due", Field::kDue},          {"customer", Field::kCustomer},
    {"order", Field::kOrder},      {"customer_address", Field::kCustomerAddress},
    {"phone", Field::kPhone},      {"customer_no", Field::kCustomerNumber},
    {"fax", Field::kFax},          {"tax_no", Field::kTaxNumber},
    {"reg", Field::kRegistration}, {"cash", Field::kCash},
    {"change", Field::kChange},    {"rounding", Field::kRounding},
    {"time", Field::kTime},        {"cashier", Field::kCashier},
    {"account", Field::kAccount},  {"email", Field::kEmail},
};

constexpr PerTongue<std::string_view> kColumns = {"Qty Description Price Amount|Item Qty Total|Description Amount",
                                                  "Menge Bezeichnung Preis Betrag|Pos. Artikel Betrag",
                                                  "Qté Désignation Prix Montant|Article Montant",
                                                  "Cant. Descripción Precio Importe|Artículo Importe",
                                                  "Qtà Descrizione Prezzo Importo|Articolo Importo",
                                                  "Aantal Omschrijving Prijs Bedrag|Artikel Bedrag",
                                                  "Qtd. Descrição Preço Valor|Artigo Valor",
                                                  "QTY DESCRIPTION PRICE AMOUNT|ITEM QTY TOTAL"};
constexpr PerTongue<std::string_view> kGreetings = {"Dear|Hello|To",       "Guten Tag|Sehr geehrte/r|Hallo",
                                                    "Bonjour|Cher client", "Estimado|Hola",
                                                    "Gentile|Spett.le",    "Beste|Geachte",
                                                    "Caro|Exmo.",          "DEAR|TO"};

struct Item {
  int64_t quantity = 1;
  int64_t cents = 0;  // of one
  std::string name;
};

class PaperWriter {
 public:
  PaperWriter(Random& random, const Layout& layout, const Practice& practice);
  Document write();

 private:
  void make_up_facts();
  void make_up_people();
  void make_up_amounts();
  void make_up_items();
  void make_up_days();
  bool practised(double share) { return share > 0 && random_.chance(share); }  // a share of 0 draws nothing
  void text(Field field, const std::string& value);
  void day(Field field, const Day& day, int notation);
  void amount(Field field, int64_t cents, bool with_currency);
  void put_line(std::string_view line);
  bool put_block(std::string_view line);
  void put_items();
  std::string filled(std::string_view placeholder);
  std::string written_item(const Item& item, int style);

  Random& random_;
  const Layout& layout_;
  const Practice practice_;
  Paper paper_;
  AmountStyle style_;
  std::map<Field, Value> facts_;
  std::vector<std::string> address_;
  std::vector<std::string> customer_address_;
  std::vector<Item> items_;
};

PaperWriter::PaperWriter(Random& random, const Layout& layout, const Practice& practice)
    : random_(random),
      layout_(layout),
      practice_(practice),
      paper_(random, random_tongue(random), std::string(layout.id)) {
  make_up_facts();
}

void PaperWriter::text(Field field, const std::string& value) {
  const std::string printed = paper_.printed(value);
  facts_[field] = {printed, printed};
}

void PaperWriter::day(Field field, const Day& day, int notation) {
  facts_[field] = {paper_.clean(written(day, notation, paper_.tongue())), iso(day)};
}

void PaperWriter::amount(Field field, int64_t cents, bool with_currency) {
  AmountStyle style = style_;
  if (!with_currency) style.place = SignPlace::kNone;
  facts_[field] = {written(cents, style), plain(cents)};
}

void PaperWriter::make_up_people() {
  const Tongue tongue = paper_.tongue();
  const Company seller = company(random_, tongue);
  text(Field::kSeller, seller.legal);
  text(Field::kEmail, pick_part(random_, "info@|office@|billing@|shop@") + web_name(seller.brand));
  text(Field::kCustomer, random_.chance(0.5) ? person(random_, tongue) : company(random_, tongue).legal);
  text(Field::kCashier, person(random_, tongue));
  for (std::string& line : address_ = address_lines(random_, tongue)) line = paper_.printed(line);
  for (std::string& line : customer_address_ = address_lines(random_, tongue)) line = paper_.printed(line);
  text(Field::kPhone, phone_number(random_, tongue));
  text(Field::kFax, phone_number(random_, tongue));
  text(Field::kTaxNumber, tax_number(random_, tongue));
  text(Field::kRegistration, registration_number(random_));
  text(Field::kAccount, bank_account(random_, tongue));
}

void PaperWriter::make_up_items() {
  const bool large = practised(practice_.large_sums);
  for (int64_t n = random_.between(1, 4); n > 0; --n) {
    Item item;
    item.quantity = random_.chance(0.5) ? 1 : random_.between(2, large ? 3 : 24);
    item.cents = large ? random_cents(random_, 8'000'00, 500'00) : random_cents(random_, 4'000'00);
    item.name = product(random_, paper_.tongue());
    items_.push_back(std::move(item));
  }
}

void PaperWriter::make_up_amounts() {
  const Tongue tongue = paper_.tongue();
  style_ = {random_marks(random_, tongue), random_sign_place(random_), &random_currency(random_, tongue)};
  make_up_items();
  int64_t net = 0;
  for (const Item& item : items_) net += item.quantity * item.cents;
  const int64_t tax = net * random_.pick(std::array<int64_t, 8>{0, 5, 6, 7, 9, 19, 20, 21}) / 100;
  const int64_t rounding = random_.between(-2, 2);
  const bool everywhere = random_.chance(0.4);
  const bool apart = layout_.lines.find("{currency") != std::string_view::npos;
  amount(Field::kSubtotal, net, everywhere);
  amount(Field::kTax, tax, everywhere);
  amount(Field::kRounding, rounding, everywhere);
  if (layout_.lines.find("{rounding") == std::string_view::npos)
    amount(Field::kTotal, net + tax, everywhere || !apart);
  else
    amount(Field::kTotal, net + tax + rounding, true);
  const int64_t given = (net + tax) / 1000 * 1000 + random_.pick(std::array<int64_t, 3>{1000, 2000, 5000});
  amount(Field::kCash, given, everywhere);
  amount(Field::kChange, given - net - tax, everywhere);
  facts_[Field::kCurrency] = {std::string(style_.currency->code), std::string(style_.currency->code)};
}

void PaperWriter::make_up_days() {
  const bool early = practised(practice_.early_days);
  const Day issued = early ? early_day(random_) : random_day(random_);
  const auto usual = [this] { return random_date_notation(random_, paper_.tongue()); };
  day(Field::kDate, issued, early ? random_spelt_notation(random_) : usual());
  const Day due = later(random_, issued);
  day(Field::kDue, due, usual());
}

void PaperWriter::make_up_facts() {
  make_up_people();
  make_up_amounts();
  make_up_days();
  facts_[Field::kNumber].written = reference_code(random_);
  facts_[Field::kOrder].written = reference_code(random_);
  facts_[Field::kCustomerNumber].written = digits(random_, static_cast<int>(random_.between(4, 7)));
  facts_[Field::kTime].written = random_time(random_);
  for (auto& [field, value] : facts_) {
    if (value.plain.empty()) value.plain = value.written;
  }
}

std::string PaperWriter::filled(std::string_view placeholder) {
  if (placeholder == "title") return paper_.printed(pick_part(random_, invoice_titles(paper_.tongue())));
  if (placeholder == "dear")
    return paper_.printed(pick_part(random_, kGreetings[static_cast<size_t>(paper_.tongue())]));
  if (placeholder == "thanks") return paper_.printed(pick_part(random_, thanks(paper_.tongue())));
  if (placeholder == "rule")
    return std::string(static_cast<size_t>(random_.between(6, 24)), random_.pick(std::string_view("-=*_")));
  const char last = placeholder.back();
  const bool plain_value = last != ':' && last != '=' && last != ',';
  const std::string_view name = plain_value ? placeholder : placeholder.substr(0, placeholder.size() - 1);
  for (const FieldName& row : kPlaceholders) {
    if (row.name != name) continue;
    if (last == '=') return paper_.label(row.field);
    if (last == ',') {
      const std::string joined = join(address_, ", ");
      return paper_.place(row.field, {joined, joined});
    }
    const Value& value = facts_.at(row.field);
    if (kind_of(row.field) == FieldKind::kAmount && row.field == Field::kTotal) {
      paper_.place(Field::kCurrency, facts_.at(Field::kCurrency));
    }
    return last == ':' ? paper_.labelled(row.field, value) : paper_.place(row.field, value);
  }
  CHECK(false, fmt::format("layout {}: no field {}", layout_.id, name));
  return {};
}

std::string PaperWriter::written_item(const Item& item, int style) {
  AmountStyle bare = style_;
  bare.place = SignPlace::kNone;
  const std::string one = written(item.cents, bare);
  const std::string all = written(item.quantity * item.cents, bare);
  const std::string name = paper_.printed(item.name);
  switch (style) {
    case 0:
      return fmt::format("{} {} {} {}", item.quantity, name, one, all);
    case 1:
      return fmt::format("{} x {} {}", item.quantity, name, all);
    case 2:
      return fmt::format("{} {} {} {} {}", article_code(random_), name, item.quantity, one, all);
    case 3:
      return fmt::format("| {} | {} | {} |", name, item.quantity, all);
    case 4:
      return fmt::format("- {} ({}): {}", name, item.quantity, all);
    default:
      return fmt::format("{} {}", name, all);
  }
}

void PaperWriter::put_items() {
  const int style = static_cast<int>(random_.below(6));
  if (random_.chance(0.5))
    paper_.line(paper_.printed(pick_part(random_, kColumns[static_cast<size_t>(paper_.tongue())])));
  for (const Item& item : items_) paper_.line(written_item(item, style));
}

// A line that is one placeholder for several lines.
bool PaperWriter::put_block(std::string_view line) {
  if (line == "{items}")
    put_items();
  else if (line == "{address}")
    paper_.lines(Field::kAddress, address_);
  else if (line == "{customer_address}")
    paper_.lines(Field::kCustomerAddress, customer_address_);
  else
    return false;
  return true;
}

void PaperWriter::put_line(std::string_view line) {
  if (line.empty()) return paper_.gap();
  if (line.front() == '?') {
    if (random_.chance(0.5)) put_line(line.substr(1));
    return;
  }
  if (put_block(line)) return;
  std::string result;
  for (size_t at = 0; at < line.size();) {
    const size_t open = line.find('{', at);
    result += line.substr(at, open - at);
    if (open == std::string_view::npos) break;
    const size_t close = line.find('}', open);
    result += filled(line.substr(open + 1, close - open - 1));
    at = close + 1;
  }
  paper_.line(std::move(result));
}

Document PaperWriter::write() {
  for (size_t at = 0; at <= layout_.lines.size();) {
    const size_t end = std::min(layout_.lines.find('\n', at), layout_.lines.size());
    put_line(layout_.lines.substr(at, end - at));
    at = end + 1;
  }
  return paper_.take();
}

}  // namespace

Document write_paper(Random& random, const Layout& layout, const Practice& practice) {
  return PaperWriter(random, layout, practice).write();
}

}  // namespace understudy::examples

#include "generate/receipts.h"

#include <fmt/format.h>

#include "generate/dates.h"
#include "generate/names.h"
#include "generate/noise.h"
#include "generate/paper.h"

namespace understudy::examples {
namespace {

constexpr std::string_view kTaxMarks = "SR|S|ZR|Z|T|*|SR|S";

class ReceiptWriter {
 public:
  explicit ReceiptWriter(Random& random)
      : random_(random), paper_(random, random.chance(0.65) ? Tongue::kMalay : random_tongue(random), "receipt") {
    make_up_facts();
  }
  Document write();

 private:
  void make_up_facts();
  Value same(const std::string& text) const { return {text, text}; }
  Value money(int64_t cents, bool decorated) const;
  Value day_value() const { return {date_text_, iso(day_)}; }
  void before_name();
  void put_name();
  void after_name();
  void put_numbers();
  void put_contact();
  void put_meta();
  void put_date_line();
  void put_items();
  void put_item(int64_t quantity, int64_t cents, int style);
  void put_sums();
  void put_sum(Field field, int64_t cents, bool decorated);
  void put_before_rounding();
  void put_total();
  void put_payment();
  void put_tax_summary();
  void put_end();
  std::string bare(int64_t cents) const { return written(cents, {style_.marks, SignPlace::kNone, nullptr}); }
  bool malay() const { return paper_.tongue() == Tongue::kMalay; }

  Random& random_;
  Paper paper_;
  Company company_;
  Day day_;
  std::string date_text_;
  std::string clock_;
  AmountStyle style_;
  bool decorate_all_ = false;
  bool registered_ = false;  // the registration number stands already
  bool taxed_ = false;       // the tax number too
  bool dated_ = false;
  int date_place_ = 0;  // 0 among the numbers, 1 before the name, 2 after it, 3 at the end
  int64_t net_ = 0;
  int64_t tax_ = 0;
  int64_t rounding_ = 0;
  int64_t quantity_ = 0;
};

void ReceiptWriter::make_up_facts() {
  company_ = company(random_, paper_.tongue());
  day_ = random_day(random_);
  date_text_ = paper_.clean(written(day_, random_till_notation(random_), paper_.tongue()));
  clock_ = random_time(random_);
  style_ = {malay() && random_.chance(0.9) ? Marks::kPlain : random_marks(random_, paper_.tongue()), SignPlace::kNone,
            &random_currency(random_, paper_.tongue())};
  if (malay() && random_.chance(0.85)) {
    if (random_.chance(0.35)) style_.place = random_.chance(0.5) ? SignPlace::kSignBefore : SignPlace::kSignTouching;
  } else if (random_.chance(0.5)) {
    style_.place = random_.pick(std::array{SignPlace::kSignBefore, SignPlace::kSignTouching, SignPlace::kSignAfter});
  }
  decorate_all_ = random_.chance(0.4);
  date_place_ = random_.pick(std::array{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3});
}

Value ReceiptWriter::money(int64_t cents, bool decorated) const {
  AmountStyle style = style_;
  if (!decorated) style.place = SignPlace::kNone;
  return {written(cents, style), plain(cents)};
}

void ReceiptWriter::before_name() {
  if (date_place_ == 1) put_date_line();
  if (!random_.chance(0.25)) return;
  switch (random_.below(5)) {
    case 0:
      return paper_.line(stray_line(random_));
    case 1:
      return paper_.line(paper_.printed(
          pick_part(random_, "WELCOME TO|Copy|*** COPY ***|DUPLICATE|REPRINT|CUSTOMER COPY|ORIGINAL|HELLO")));
    case 2:
      return paper_.line(paper_.printed(capital(made_up_word(random_, paper_.tongue(), 2))));
    case 3:
      return paper_.line(digits(random_, static_cast<int>(random_.between(3, 8))));
    default:
      return paper_.line(paper_.printed(pick_part(random_, receipt_titles(paper_.tongue()))));
  }
}

void ReceiptWriter::put_name() {
  const std::string legal = paper_.printed(company_.legal);
  const std::string number = registration_number(random_);
  switch (random_.below(10)) {
    case 0: {  // over two lines
      const size_t space = legal.find(' ', legal.size() / 3);
      if (space == std::string::npos) break;
      paper_.line(legal.substr(0, space));
      paper_.line(legal.substr(space + 1));
      paper_.place(Field::kSeller, same(legal));
      return;
    }
    case 1:
    case 2:  // the registration number in the same line
      registered_ = true;
      paper_.place(Field::kRegistration, same(number));
      return paper_.line(fmt::format(fmt::runtime(random_.chance(0.7) ? "{} ({})" : "{} {}"),
                                     paper_.place(Field::kSeller, same(legal)), number));
    case 3:  // trade name, then the legal one
      paper_.line(paper_.printed(capital(made_up_word(random_, paper_.tongue(), 3))));
      break;
    case 4:
      if (random_.chance(0.5)) {
        const std::string stars = random_.chance(0.5) ? "**" : "*";
        return paper_.line(stars + paper_.place(Field::kSeller, same(legal)) + stars);
      }
      break;
    default:
      break;
  }
  paper_.line(paper_.place(Field::kSeller, same(legal)));
}

void ReceiptWriter::put_numbers() {
  if (!registered_ && random_.chance(0.6)) {
    registered_ = true;
    const Value number = same(registration_number(random_));
    if (random_.chance(0.5))
      paper_.line(fmt::format("({})", paper_.place(Field::kRegistration, number)));
    else
      paper_.line(paper_.labelled(Field::kRegistration, number));
  }
  if (!taxed_ && random_.chance(0.25)) {
    taxed_ = true;
    paper_.line(paper_.labelled(Field::kTaxNumber, same(tax_number(random_, paper_.tongue()))));
  }
}

void ReceiptWriter::after_name() {
  if (date_place_ == 2) put_date_line();
  put_numbers();
  std::vector<std::string> address = address_lines(random_, paper_.tongue());
  for (std::string& line : address) line = paper_.printed(line);
  paper_.lines(Field::kAddress, address);
}

void ReceiptWriter::put_contact() {
  const Value phone = same(phone_number(random_, paper_.tongue()));
  if (random_.chance(0.75)) {
    std::string line =
        random_.chance(0.85) ? paper_.labelled(Field::kPhone, phone) : paper_.place(Field::kPhone, phone);
    if (random_.chance(0.35))
      line += (random_.chance(0.5) ? " " : " | ") +
              paper_.labelled(Field::kFax, same(phone_number(random_, paper_.tongue())));
    paper_.line(line);
  }
  if (random_.chance(0.1))
    paper_.line(paper_.labelled(Field::kEmail, same(paper_.clean("shop@" + web_name(company_.brand)))));
  if (random_.chance(0.1)) paper_.line(paper_.clean("www." + web_name(company_.brand)));
  if (!registered_ && random_.chance(0.3)) {
    paper_.line(paper_.labelled(Field::kRegistration, same(registration_number(random_))));
  }
  if (!taxed_ && random_.chance(0.75)) {
    std::string line = paper_.labelled(Field::kTaxNumber, same(tax_number(random_, paper_.tongue())));
    paper_.line(random_.chance(0.3) ? "(" + line + ")" : line);
  }
  if (random_.chance(0.12)) paper_.line("(" + paper_.printed(place(random_, paper_.tongue())) + ")");
  if (random_.chance(0.8)) paper_.line(paper_.printed(pick_part(random_, receipt_titles(paper_.tongue()))));
}

void ReceiptWriter::put_date_line() {
  if (dated_) return;
  dated_ = true;
  const Value day = day_value();
  switch (random_.below(6)) {
    case 0:
      return paper_.line(paper_.place(Field::kDate, day));
    case 1:
      return paper_.line(paper_.place(Field::kDate, day) + " " + paper_.place(Field::kTime, same(clock_)));
    case 2:
      return paper_.line(paper_.labelled(Field::kDate, day) + " " + paper_.place(Field::kTime, same(clock_)));
    case 3: {
      std::string line = paper_.place(Field::kTime, same(clock_)) + " ";
      line += digits(random_, 6) + " ";
      return paper_.line(line + paper_.place(Field::kDate, day));
    }
    case 4: {
      std::string line = paper_.place(Field::kDate, day) + " " + paper_.place(Field::kTime, same(clock_)) + " ";
      return paper_.line(line + article_code(random_));
    }
    default:
      return paper_.line(paper_.labelled(Field::kDate, day));
  }
}

void ReceiptWriter::put_meta() {
  const Value number = same(reference_code(random_));
  const Value cashier =
      same(paper_.printed(random_.chance(0.3) ? "USER" : capital(made_up_word(random_, paper_.tongue(), 2))));
  if (random_.chance(0.1)) {  // somebody else's name and address
    paper_.line(paper_.label(Field::kCustomer) + " :");
    paper_.line(paper_.place(Field::kCustomer, same(paper_.printed(company(random_, paper_.tongue()).legal))));
    if (random_.chance(0.5)) paper_.line(paper_.printed(address_lines(random_, paper_.tongue()).front()));
  }
  if (random_.chance(0.15))
    paper_.line(
        paper_.printed(pick_part(random_, "CASH|CASH SALES|DINE IN|TAKE AWAY|TABLE 12|COUNTER 2|POS 03|WALK IN")));
  const bool here = date_place_ == 0;
  switch (random_.below(4)) {
    case 0: {  // number and date in one line
      std::string line = paper_.labelled(Field::kNumber, number);
      if (here) {
        dated_ = true;
        line += " " + (random_.chance(0.8) ? paper_.labelled(Field::kDate, day_value())
                                           : paper_.place(Field::kDate, day_value()));
      }
      paper_.line(line);
      if (random_.chance(0.6)) {
        std::string second = paper_.labelled(Field::kCashier, cashier);
        if (random_.chance(0.7)) second += " " + paper_.labelled(Field::kTime, same(clock_));
        paper_.line(second);
      }
      return;
    }
    case 1:  // date first
      if (here) put_date_line();
      paper_.line(paper_.labelled(Field::kNumber, number));
      if (random_.chance(0.5)) paper_.line(paper_.labelled(Field::kCashier, cashier));
      return;
    case 2:
      if (random_.chance(0.8)) paper_.line(paper_.labelled(Field::kNumber, number));
      if (here) put_date_line();
      return;
    default:
      if (random_.chance(0.5)) paper_.line(paper_.labelled(Field::kCashier, cashier));
      if (random_.chance(0.4)) paper_.line(paper_.labelled(Field::kOrder, same(reference_code(random_))));
      paper_.line(paper_.labelled(Field::kNumber, number));
      if (here) put_date_line();
      return;
  }
}

void ReceiptWriter::put_item(int64_t quantity, int64_t cents, int style) {
  const std::string name = paper_.printed(product(random_, paper_.tongue()));
  const std::string one = decorate_all_ ? money(cents, true).written : bare(cents);
  const std::string all = decorate_all_ ? money(cents * quantity, true).written : bare(cents * quantity);
  const std::string code = article_code(random_);
  const std::string mark = random_.chance(0.5) ? " " + pick_part(random_, kTaxMarks) : "";
  switch (style) {
    case 0:
      return paper_.line(fmt::format("{} {} {} {}{}", name, quantity, one, all, mark));
    case 1:
      paper_.line(fmt::format("{} {} {} {}{}", code, quantity, one, all, mark));
      return paper_.line(name);
    case 2:
      paper_.line(name);
      return paper_.line(fmt::format("{} {} X {} {}{}", code, quantity, one, all, mark));
    case 3:
      return paper_.line(fmt::format("{} {} {}", quantity, name, all));
    case 4:
      return paper_.line(fmt::format("{} {}{}", name, all, mark));
    case 5:
      paper_.line(fmt::format("{} {}", code, name));
      return paper_.line(fmt::format("{} {} {}", one, quantity, all));
    default:
      paper_.line(name);
      return paper_.line(fmt::format("{} {}*{} {}{}", code, one, quantity, all, mark));
  }
}

void ReceiptWriter::put_items() {
  if (random_.chance(0.6)) {
    paper_.line(malay() ? paper_.printed(pick_part(random_,
                                                   "ITEM QTY PRICE AMOUNT|QTY DESCRIPTION TOTAL|CODE DESC QTY RM|ITEM "
                                                   "QTY U/P AMT|NO ITEM QTY PRICE TOTAL|DESCRIPTION AMOUNT"))
                        : std::string(static_cast<size_t>(random_.between(8, 24)), '-'));
  }
  const int style = static_cast<int>(random_.below(7));
  for (int64_t n = random_.chance(0.6) ? random_.between(1, 4) : random_.between(3, 8); n > 0; --n) {
    const int64_t quantity = random_.chance(0.6) ? 1 : random_.between(2, 12);
    int64_t cents = random_cents(random_, 20'000);
    if (random_.chance(0.5)) cents = (cents + 9) / 10 * 10;
    put_item(quantity, cents, style);
    net_ += quantity * cents;
    quantity_ += quantity;
  }
}

void ReceiptWriter::put_sum(Field field, int64_t cents, bool decorated) {
  paper_.line(paper_.labelled(field, money(cents, decorated)));
}

// A sum that is called a total and is not what was paid.
void ReceiptWriter::put_before_rounding() {
  const std::string_view labels =
      malay() ? "TOTAL SALES (INCLUSIVE OF GST) : |TOTAL (INCL GST) |BILL TOTAL: |TOTAL SALES : |AMOUNT " : "= |# |~ |";
  paper_.line(paper_.printed(pick_part(random_, labels)) + money(net_, decorate_all_).written);
}

void ReceiptWriter::put_total() {
  const Value total = money(net_ + rounding_, true);
  if (style_.place != SignPlace::kNone) {
    paper_.place(Field::kCurrency, {std::string(style_.currency->code), std::string(style_.currency->code)});
  }
  std::string label = paper_.label(Field::kTotal);
  if (malay() && random_.chance(0.3))
    label +=
        pick_part(random_, " INCL GST| (INCLUSIVE OF GST)| SALES (INC. GST)| INCL. GST@6%| ROUNDED| (GST INC)| SALES");
  if (random_.chance(0.04)) {  // the scanner tore label and sum apart
    const bool above = random_.chance(0.5);
    if (above) paper_.line(paper_.place(Field::kTotal, total));
    paper_.line(label + (random_.chance(0.5) ? " :" : ""));
    if (!above) paper_.line(paper_.place(Field::kTotal, total));
    return;
  }
  label += pick_part(random_, ": | : | | | :");
  paper_.line(
      (style_.place == SignPlace::kNone ? label : paper_.label(Field::kTotal) + pick_part(random_, ": | : | |")) +
      paper_.place(Field::kTotal, total));
}

void ReceiptWriter::put_sums() {
  const int64_t rate = random_.pick(std::array<int64_t, 5>{0, 6, 6, 10, 20});
  tax_ = net_ * rate / (100 + rate);
  if (random_.chance(0.5)) rounding_ = (net_ + 2) / 5 * 5 - net_;
  if (random_.chance(0.4))
    paper_.line(paper_.printed(pick_part(random_, "TOTAL QTY: |QTY |ITEM(S) : |TOTAL ITEMS: |ITEM COUNT ")) +
                std::to_string(quantity_));
  if (random_.chance(0.2))
    paper_.line(paper_.printed(pick_part(random_, "DISCOUNT : |DISC |LESS DISCOUNT: |TOTAL SAVING ")) + bare(0));
  if (random_.chance(0.7)) put_sum(Field::kSubtotal, random_.chance(0.5) ? net_ : net_ - tax_, decorate_all_);
  if (random_.chance(0.6)) put_sum(Field::kTax, tax_, decorate_all_);
  if (rounding_ != 0 && random_.chance(0.5)) put_before_rounding();
  if (rounding_ != 0 || random_.chance(0.3)) put_sum(Field::kRounding, rounding_, decorate_all_);
  put_total();
}

void ReceiptWriter::put_payment() {
  const int64_t total = net_ + rounding_;
  if (random_.chance(0.7)) {
    const int64_t given = random_.chance(0.3) ? total : (total / 1000 + random_.between(1, 5)) * 1000;
    put_sum(Field::kCash, given, decorate_all_);
    if (random_.chance(0.9)) put_sum(Field::kChange, given - total, decorate_all_);
  } else if (random_.chance(0.7)) {
    paper_.line(paper_.printed(pick_part(random_, "VISA |MASTER CARD |CREDIT CARD |DEBIT |CARD: |EDC ")) + bare(total));
    if (random_.chance(0.5)) paper_.line("XXXX XXXX XXXX " + digits(random_, 4));
  }
}

void ReceiptWriter::put_tax_summary() {
  if (!random_.chance(0.5)) return;
  if (malay()) {
    paper_.line(paper_.printed(
        pick_part(random_, "GST SUMMARY AMOUNT(RM) TAX(RM)|GST ANALYSIS GOODS TAX|TAX CODE % AMT TAX|SUMMARY OF GST")));
    paper_.line(pick_part(random_, "SR 6 |S = 6% |SR @ 6% |S-6% |ZR 0 ") + bare(net_ - tax_) + " " + bare(tax_));
    if (random_.chance(0.3)) paper_.line("TOTAL : " + bare(net_ - tax_) + " " + bare(tax_));
  } else {
    paper_.line("A " + bare(net_ - tax_) + " " + bare(tax_) + " " + bare(net_));
  }
}

void ReceiptWriter::put_end() {
  if (date_place_ == 3 || !dated_) put_date_line();
  for (int64_t n = random_.between(0, 4); n > 0; --n)
    paper_.line(paper_.printed(pick_part(random_, thanks(paper_.tongue()))));
  if (random_.chance(0.1)) paper_.line(stray_line(random_));
}

Document ReceiptWriter::write() {
  before_name();
  put_name();
  after_name();
  put_contact();
  paper_.gap();
  put_meta();
  put_items();
  put_sums();
  put_payment();
  put_tax_summary();
  put_end();
  return paper_.take();
}

}  // namespace

Document write_receipt(Random& random) {
  return ReceiptWriter(random).write();
}

}  // namespace understudy::examples

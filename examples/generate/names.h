// Made-up names: words, people, companies, places, streets, products, codes. Everything is put together from syllables
// and from word lists written for this generator, so that a model cannot know a value by heart and has to copy it. Pure
// functions of the random numbers given; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "generate/tongues.h"

namespace understudy::examples {

// A lower-case word of so many syllables that sounds like the tongue.
std::string made_up_word(Random& random, Tongue tongue, int syllables);
std::string made_up_word(Random& random);  // any tongue, two to four syllables

std::string person(Random& random, Tongue tongue);
std::string place(Random& random, Tongue tongue);

struct Company {
  std::string brand;  // "Morvel Kaffee"
  std::string legal;  // "Morvel Kaffee GmbH"
};
Company company(Random& random, Tongue tongue);

// An address of one to five lines as a letterhead or a till prints it, without the name.
std::vector<std::string> address_lines(Random& random, Tongue tongue);

std::string product(Random& random, Tongue tongue);

// Invoice, order and customer numbers: "INV-2024-0113", "7023F713", "CS00012944", "4711/83".
std::string reference_code(Random& random);
// A short code of letters and digits as keys and articles have it.
std::string article_code(Random& random);
// "03-8938 2188", "+49 30 123456", ...
std::string phone_number(Random& random, Tongue tongue);
// A company's registration number as a till prints it: "81109-A", "139386 X", "001055194X".
std::string registration_number(Random& random);
// The number under which a seller pays sales tax: "DE123456789", "000750673920".
std::string tax_number(Random& random, Tongue tongue);
std::string bank_account(Random& random, Tongue tongue);  // has the look of an IBAN; its check digits are not right
std::string web_name(std::string_view brand);             // letters of the brand and ".example"

}  // namespace understudy::examples

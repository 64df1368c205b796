#include "generate/questions.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace understudy::examples {
namespace {

struct Wanted {
  std::string name;
  Field field;
};

std::vector<Wanted> choose_fields(Random& random, const Document& document, int most) {
  std::vector<Field> there;
  for (const auto& [field, value] : document.values) there.push_back(field);
  random.shuffle(std::span<Field>(there));
  const auto n = std::min<size_t>(there.size(), static_cast<size_t>(random.between(1, most)));
  std::vector<Wanted> wanted;
  for (size_t i = 0; i < n; ++i) wanted.push_back({pick_part(random, pretraining_names(there[i])), there[i]});
  return wanted;
}

// Long copies teach most: the seller, the address, date and total are asked for more often than the rest.
void add_main_fields(Random& random, const Document& document, std::vector<Wanted>& wanted, int most) {
  for (const Field field : {Field::kSeller, Field::kAddress, Field::kDate, Field::kTotal}) {
    if (wanted.size() >= static_cast<size_t>(most) || !document.values.contains(field) || !random.chance(0.5)) continue;
    if (std::any_of(wanted.begin(), wanted.end(), [&](const Wanted& w) { return w.field == field; })) continue;
    wanted.push_back({pick_part(random, pretraining_names(field)), field});
  }
}

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string question(Random& random, std::vector<Wanted>& wanted, bool as_written) {
  std::vector<std::string> names;
  switch (random.below(5)) {
    case 0: {  // an empty object to fill in
      std::vector<std::pair<std::string, std::string>> members;
      for (const Wanted& w : wanted) members.emplace_back(w.name, "");
      return json_object(members) + (as_written ? " as written" : "");
    }
    case 1: {  // names made up on the spot
      for (Wanted& w : wanted) {
        const std::string meaning = w.name;
        w.name = random.chance(0.5) ? capital(meaning) : "x_" + meaning;
        names.push_back(w.name + " = " + meaning);
      }
      return join(names, "; ") + (as_written ? " (as written)" : "");
    }
    case 2: {
      for (const Wanted& w : wanted) names.push_back("- " + w.name);
      return std::string(as_written ? "Copy:" : "Read:") + "\n" + join(names, "\n");
    }
    case 3: {
      for (Wanted& w : wanted) {
        if (random.chance(0.5)) w.name = spaced(w.name);
        names.push_back(w.name);
      }
      return std::string(as_written ? "As written: " : "JSON: ") + join(names, ", ");
    }
    default: {
      for (const Wanted& w : wanted) names.push_back(w.name);
      return std::string(as_written ? "Copy " : "Read ") + join(names, ", ") + ".";
    }
  }
}

}  // namespace

std::string json_object(const std::vector<std::pair<std::string, std::string>>& members) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : members) parts.push_back(dump_json(Json(name)) + ": " + dump_json(Json(value)));
  return "{" + join(parts, ", ") + "}";
}

std::string json_object_of_list(const std::string& name, const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) parts.push_back(dump_json(Json(value)));
  return "{" + dump_json(Json(name)) + ": [" + join(parts, ", ") + "]}";
}

std::string jsonl_line(const Row& row, const std::string& id) {
  Json line;
  line["id"] = id;
  line["task"] = row.task;
  line["input"] = row.input;
  line["output"] = row.output;
  return dump_json(line);
}

Row ask(Random& random, const Document& document, std::string task, bool as_written, int most) {
  std::vector<Wanted> wanted = choose_fields(random, document, most);
  add_main_fields(random, document, wanted, most);
  const std::string head = question(random, wanted, as_written);
  std::vector<std::pair<std::string, std::string>> members;
  for (const Wanted& w : wanted) {
    const Value& value = document.values.at(w.field);
    members.emplace_back(w.name, as_written ? value.written : value.plain);
  }
  const bool first = random.chance(0.6);
  return {std::move(task), first ? head + "\n\n" + document.text() : document.text() + "\n\n" + head,
          json_object(members)};
}

Row receipt_without_question(const Document& document) {
  const auto at = [&](Field field) { return document.values.at(field).written; };
  return {"receipt", document.text(),
          json_object({{"company", at(Field::kSeller)},
                       {"date", at(Field::kDate)},
                       {"address", at(Field::kAddress)},
                       {"total", at(Field::kTotal)}})};
}

Row demo_row(const Document& document) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const DemoField& row : kDemoFields) {
    CHECK(document.values.contains(row.field), "every layout of the demo has every field of the demo");
    members.emplace_back(std::string(row.name), document.values.at(row.field).plain);
  }
  return {document.layout, document.text(), json_object(members)};
}

}  // namespace understudy::examples

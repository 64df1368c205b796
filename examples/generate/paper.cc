#include "generate/paper.h"

#include "generate/noise.h"

namespace understudy::examples {

std::string Document::text() const {
  return join(lines, "\n");
}

Paper::Paper(Random& random, Tongue tongue, std::string layout)
    : random_(random),
      tongue_(tongue),
      all_upper_(tongue == Tongue::kMalay ? random.chance(0.97) : random.chance(0.2)),
      gaps_(tongue == Tongue::kMalay ? random.chance(0.05) : random.chance(0.6)),
      noise_(random.chance(0.3) ? random.uniform(0.002, 0.03) : 0.0),
      separator_(pick_part(random, ": |: |: | : | : | :|:| |  |. | = |\t")) {
  document_.layout = std::move(layout);
}

std::string Paper::printed(std::string text) {
  if (all_upper_) text = upper(text);
  return noise_ > 0 && !text.empty() ? with_noise(random_, text, noise_) : text;
}

std::string Paper::place(Field field, const Value& value) {
  document_.values[field] = value;
  return value.written;
}

std::string Paper::labelled(Field field, const Value& value) {
  std::string name = label(field);
  const bool ends = name.ends_with('.') || name.ends_with('#') || name.ends_with(':');
  if (ends && random_.chance(0.5))
    name += ' ';
  else
    name += separator_;
  return name + place(field, value);
}

void Paper::line(std::string text) {
  if (!text.empty()) document_.lines.push_back(std::move(text));
}

void Paper::gap() {
  if (gaps_ && !document_.lines.empty()) document_.lines.emplace_back();
}

void Paper::lines(Field field, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) line(text);
  const std::string joined = join(texts, " ");
  document_.values[field] = {joined, joined};
}

}  // namespace understudy::examples

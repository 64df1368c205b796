// Groups of texts that look alike: other sales of the same shop have most of their text in common, and a test row with
// such a twin in the training rows would measure memory. Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace understudy::examples {

// For each text the index of the first text of its group. Two texts are alike when the Jaccard similarity of their
// 5-character shingles (ASCII letters in lower case, runs of white space as one space) is at least `least`; groups are
// closed under being alike. O(n^2) comparisons of texts of like length.
std::vector<size_t> group_look_alikes(const std::vector<std::string>& texts, double least = 0.8);

// The similarity itself, 0 to 1; two texts shorter than a shingle are alike when they are equal.
double shingle_similarity(const std::string& a, const std::string& b);

// Whether a group belongs to the held-out part: decided by a hash of the group's name alone, so that it stays where it
// is when rows are added.
bool held_out(const std::string& group, int percent);

}  // namespace understudy::examples

#include <fmt/format.h>

#include <cmath>

#include "base/random.h"
#include "tests/engine/ops/cases.h"

namespace understudy::testing {

namespace {

Values random_values(Random& random, int64_t n, double spread = 1) {
  Values values(static_cast<size_t>(n));
  for (float& value : values) value = static_cast<float>(random.normal() * spread);
  return values;
}

size_t size(int64_t n) {
  return static_cast<size_t>(n);
}

OpCase rms_norm_case(Random& random, int64_t rows, int64_t width) {
  OpCase c{.name = fmt::format("rms_norm {}x{}", rows, width),
           .depth = width,
           .operations = 4.0 * static_cast<double>(rows * width),
           .bytes = 8.0 * static_cast<double>(rows * width)};
  c.inputs = {random_values(random, rows * width), random_values(random, width)};
  c.forward = [=](Ops& ops, const std::vector<Values>& in) {
    Values y(size(rows * width));
    ops.rms_norm(rows, width, in[0].data(), in[1].data(), 1e-5F, y.data(), nullptr);
    return y;
  };
  c.backward = [=](Ops& ops, const std::vector<Values>& in, const Values& dy) {
    Values y(size(rows * width)), inverse(size(rows)), dx(size(rows * width)), dw(size(width));
    ops.rms_norm(rows, width, in[0].data(), in[1].data(), 1e-5F, y.data(), inverse.data());
    ops.rms_norm_backward(rows, width, in[0].data(), in[1].data(), inverse.data(), dy.data(), dx.data(), dw.data(),
                          false);
    return std::vector<Values>{dx, dw};
  };
  return c;
}

OpCase linear_case(Random& random, int64_t rows, int64_t out, int64_t in, DType type) {
  OpCase c{.name = fmt::format("linear {} {}x{}x{}", to_string(type), rows, out, in),
           .depth = in,
           .operations = 2.0 * static_cast<double>(rows * out * in),
           .bytes = static_cast<double>(bytes_of(type, out * in)) + 4.0 * static_cast<double>(rows * (in + out))};
  c.inputs = {random_values(random, rows * in), random_values(random, out)};
  auto weight = std::make_shared<Tensor>(type, Shape{out, in});
  convert_from_f32(random_values(random, out * in, 0.3).data(), weight->view());
  c.forward = [=](Ops& ops, const std::vector<Values>& inputs) {
    Values y(size(rows * out), 0.5F);
    ops.linear(rows, inputs[0].data(), weight->const_view(), inputs[1].data(), y.data(), 0.75F, true);
    return y;
  };
  return c;
}

// c = α op(a) op(b):  da and db are products again, with what was transposed on the other side.
OpCase product_case(Random& random, int64_t m, int64_t n, int64_t k, bool ta, bool tb) {
  OpCase c{.name = fmt::format("product {}{} {}x{}x{}", ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k),
           .depth = k,
           .operations = 2.0 * static_cast<double>(m * n * k),
           .bytes = 4.0 * static_cast<double>(m * k + k * n + m * n)};
  c.inputs = {random_values(random, m * k), random_values(random, k * n)};
  c.forward = [=](Ops& ops, const std::vector<Values>& in) {
    Values y(size(m * n), 0.25F);
    ops.product({.transpose_a = ta,
                 .transpose_b = tb,
                 .m = m,
                 .n = n,
                 .k = k,
                 .a = in[0].data(),
                 .b = in[1].data(),
                 .c = y.data(),
                 .alpha = 0.5F,
                 .accumulate = true});
    return y;
  };
  c.backward = [=](Ops& ops, const std::vector<Values>& in, const Values& dy) {
    Values da(size(m * k)), db(size(k * n));
    const Product left =
        ta ? Product{.transpose_a = tb, .transpose_b = true, .m = k, .n = m, .k = n, .a = in[1].data(), .b = dy.data()}
           : Product{.transpose_b = !tb, .m = m, .n = k, .k = n, .a = dy.data(), .b = in[1].data()};
    const Product right =
        tb ? Product{.transpose_a = true, .transpose_b = ta, .m = n, .n = k, .k = m, .a = dy.data(), .b = in[0].data()}
           : Product{.transpose_a = !ta, .m = k, .n = n, .k = m, .a = in[0].data(), .b = dy.data()};
    Product for_a = left, for_b = right;
    for_a.c = da.data();
    for_b.c = db.data();
    for_a.alpha = for_b.alpha = 0.5F;
    ops.product(for_a);
    ops.product(for_b);
    return std::vector<Values>{da, db};
  };
  return c;
}

OpCase bias_case(Random& random, int64_t rows, int64_t width) {
  OpCase c{
      .name = fmt::format("bias {}x{}", rows, width), .depth = rows, .bytes = 8.0 * static_cast<double>(rows * width)};
  c.inputs = {random_values(random, width), random_values(random, rows * width)};
  c.forward = [=](Ops& ops, const std::vector<Values>& in) {
    Values y = in[1];
    ops.add_bias(rows, width, in[0].data(), y.data());
    return y;
  };
  c.backward = [=](Ops& ops, const std::vector<Values>&, const Values& dy) {
    Values db(size(width));
    ops.bias_backward(rows, width, dy.data(), db.data());
    return std::vector<Values>{db, dy};
  };
  return c;
}

OpCase rotate_case(Random& random, int64_t rows, int64_t heads, int64_t dim) {
  OpCase c{.name = fmt::format("rotate {}x{}x{}", rows, heads, dim),
           .operations = 3.0 * static_cast<double>(rows * heads * dim),
           .bytes = 8.0 * static_cast<double>(rows * heads * dim)};
  c.inputs = {random_values(random, rows * heads * dim)};
  std::vector<int32_t> positions;
  Values cosines, sines;
  for (int64_t r = 0; r < rows; ++r)
    positions.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(rows))));
  for (int64_t i = 0; i < rows * dim / 2; ++i) {
    const double angle = random.uniform(0, 6.28);
    cosines.push_back(static_cast<float>(std::cos(angle)));
    sines.push_back(static_cast<float>(std::sin(angle)));
  }
  const auto turn = [=](Ops& ops, Values x, bool inverse) {
    ops.rotate(rows, heads, dim, positions.data(), cosines.data(), sines.data(), inverse, x.data());
    return x;
  };
  c.forward = [=](Ops& ops, const std::vector<Values>& in) { return turn(ops, in[0], false); };
  c.backward = [=](Ops& ops, const std::vector<Values>&, const Values& dy) {
    return std::vector<Values>{turn(ops, dy, true)};
  };
  return c;
}

struct AttentionShape {
  std::vector<int64_t> starts;
  int64_t heads, kv_heads, dim, window;
};

OpCase attention_case(Random& random, const AttentionShape& s) {
  const int64_t rows = s.starts.back(), q_size = rows * s.heads * s.dim, kv_size = rows * s.kv_heads * s.dim;
  double pairs = 0;
  for (size_t e = 0; e + 1 < s.starts.size(); ++e)
    pairs += 0.5 * std::pow(static_cast<double>(s.starts[e + 1] - s.starts[e]), 2);
  OpCase c{.name = fmt::format("attention {} rows in {}, {}/{} heads of {}, window {}", rows, s.starts.size() - 1,
                               s.heads, s.kv_heads, s.dim, s.window),
           .depth = rows * s.dim,
           .operations = 4.0 * pairs * static_cast<double>(s.heads * s.dim),
           .bytes = 4.0 * static_cast<double>(2 * q_size + 2 * kv_size)};
  c.inputs = {random_values(random, q_size), random_values(random, kv_size), random_values(random, kv_size)};
  const auto layout = [s] { return AttentionLayout{s.starts, s.heads, s.kv_heads, s.dim, s.window}; };
  c.forward = [=](Ops& ops, const std::vector<Values>& in) {
    Values o(size(q_size)), sums(size(rows * s.heads));
    ops.attention(layout(), in[0].data(), in[1].data(), in[2].data(), o.data(), sums.data());
    return o;
  };
  c.backward = [=](Ops& ops, const std::vector<Values>& in, const Values& d_o) {
    Values o(size(q_size)), sums(size(rows * s.heads)), dq(size(q_size)), dk(size(kv_size)), dv(size(kv_size));
    ops.attention(layout(), in[0].data(), in[1].data(), in[2].data(), o.data(), sums.data());
    ops.attention_backward(layout(), in[0].data(), in[1].data(), in[2].data(), o.data(), sums.data(), d_o.data(),
                           dq.data(), dk.data(), dv.data());
    return std::vector<Values>{dq, dk, dv};
  };
  return c;
}

OpCase cached_attention_case(Random& random, int64_t rows, int64_t before, const AttentionShape& s) {
  constexpr int64_t kPage = 32;
  const int64_t total = before + rows, n_pages = (total + kPage - 1) / kPage;
  OpCase c{.name = fmt::format("cached_attention {} rows after {}, {}/{} heads of {}, window {}", rows, before, s.heads,
                               s.kv_heads, s.dim, s.window),
           .depth = total * s.dim,
           .operations = 4.0 * static_cast<double>(rows * total * s.heads * s.dim),
           .bytes = 8.0 * static_cast<double>(total * s.kv_heads * s.dim)};
  c.inputs = {random_values(random, rows * s.heads * s.dim)};
  auto pages = std::make_shared<std::vector<Values>>();
  for (int64_t i = 0; i < 2 * n_pages; ++i) pages->push_back(random_values(random, s.kv_heads * s.dim * kPage));
  c.forward = [=](Ops& ops, const std::vector<Values>& in) {
    std::vector<const float*> keys, values;
    for (int64_t i = 0; i < n_pages; ++i) {
      keys.push_back((*pages)[size(2 * i)].data());
      values.push_back((*pages)[size(2 * i + 1)].data());
    }
    Values o(in[0].size());
    ops.cached_attention({.queries = in[0].data(),
                          .output = o.data(),
                          .n_rows = rows,
                          .first_position = before,
                          .key_pages = keys,
                          .value_pages = values,
                          .page_tokens = kPage,
                          .n_heads = s.heads,
                          .n_kv_heads = s.kv_heads,
                          .head_dim = s.dim,
                          .window = s.window});
    return o;
  };
  return c;
}

OpCase swiglu_case(Random& random, int64_t n) {
  OpCase c{.name = fmt::format("swiglu {}", n),
           .operations = 12.0 * static_cast<double>(n),
           .bytes = 12.0 * static_cast<double>(n)};
  c.inputs = {random_values(random, n, 3), random_values(random, n)};
  c.forward = [=](Ops& ops, const std::vector<Values>& in) {
    Values y(size(n));
    ops.swiglu(n, in[0].data(), in[1].data(), y.data());
    return y;
  };
  c.backward = [=](Ops& ops, const std::vector<Values>& in, const Values& dy) {
    Values dg(size(n)), du(size(n));
    ops.swiglu_backward(n, in[0].data(), in[1].data(), dy.data(), dg.data(), du.data());
    return std::vector<Values>{dg, du};
  };
  return c;
}

// The output is the one number that the operation returns.
OpCase cross_entropy_case(Random& random, int64_t rows, int64_t vocab) {
  OpCase c{.name = fmt::format("cross_entropy {}x{}", rows, vocab),
           .depth = vocab,
           .operations = 24.0 * static_cast<double>(rows * vocab),
           .bytes = 4.0 * static_cast<double>(rows * vocab)};
  c.inputs = {random_values(random, rows * vocab, 3)};
  std::vector<int32_t> targets;
  for (int64_t r = 0; r < rows; ++r)
    targets.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(vocab))));
  c.forward = [=](Ops& ops, const std::vector<Values>& in) {
    Values logits = in[0];
    return Values{static_cast<float>(ops.cross_entropy(rows, vocab, logits.data(), targets.data(), false, 1))};
  };
  c.backward = [=](Ops& ops, const std::vector<Values>& in, const Values& dy) {
    Values logits = in[0];
    ops.cross_entropy(rows, vocab, logits.data(), targets.data(), true, dy[0]);
    return std::vector<Values>{logits};
  };
  return c;
}

OpCase embed_case(Random& random, int64_t rows, int64_t vocab, int64_t width) {
  OpCase c{.name = fmt::format("embed {} of {}x{}", rows, vocab, width),
           .depth = rows,
           .bytes = 8.0 * static_cast<double>(rows * width)};
  c.inputs = {random_values(random, vocab * width)};
  std::vector<int32_t> tokens;
  for (int64_t r = 0; r < rows; ++r) tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(vocab))));
  c.forward = [=](Ops& ops, const std::vector<Values>& in) {
    Values y(size(rows * width));
    ops.embed(tokens, {in[0].data(), DType::kF32, Shape{vocab, width}}, y.data());
    return y;
  };
  c.backward = [=](Ops& ops, const std::vector<Values>&, const Values& dy) {
    Values d(size(vocab * width));
    ops.embed_backward(tokens, width, dy.data(), d.data());
    return std::vector<Values>{d};
  };
  return c;
}

OpCase dropout_case(Random& random, int64_t n) {
  OpCase c{.name = fmt::format("dropout {}", n), .bytes = 8.0 * static_cast<double>(n)};
  c.inputs = {random_values(random, n)};
  const auto drop = [=](Ops& ops, const Values& x) {
    Values y(size(n));
    ops.dropout(n, 0.3, 5, x.data(), y.data());
    return y;
  };
  c.forward = [=](Ops& ops, const std::vector<Values>& in) { return drop(ops, in[0]); };
  c.backward = [=](Ops& ops, const std::vector<Values>&, const Values& dy) {
    return std::vector<Values>{drop(ops, dy)};
  };
  return c;
}

OpCase add_case(Random& random, int64_t n) {
  OpCase c{.name = fmt::format("add {}", n), .bytes = 12.0 * static_cast<double>(n)};
  c.inputs = {random_values(random, n), random_values(random, n)};
  c.forward = [=](Ops& ops, const std::vector<Values>& in) {
    Values y = in[1];
    ops.add(n, in[0].data(), y.data());
    return y;
  };
  c.backward = [](Ops&, const std::vector<Values>&, const Values& dy) { return std::vector<Values>{dy, dy}; };
  return c;
}

std::vector<OpCase> small_cases(Random& r) {
  std::vector<OpCase> cases = {rms_norm_case(r, 1, 1),
                               rms_norm_case(r, 3, 67),
                               rms_norm_case(r, 40, 64),
                               rms_norm_case(r, 2, 16),
                               bias_case(r, 1, 5),
                               bias_case(r, 7, 33),
                               rotate_case(r, 1, 1, 2),
                               rotate_case(r, 9, 3, 34),
                               rotate_case(r, 5, 2, 64),
                               swiglu_case(r, 1),
                               swiglu_case(r, 37),
                               swiglu_case(r, 4099),
                               cross_entropy_case(r, 1, 3),
                               cross_entropy_case(r, 6, 77),
                               embed_case(r, 1, 4, 3),
                               embed_case(r, 19, 7, 67),
                               dropout_case(r, 333),
                               add_case(r, 1),
                               add_case(r, 4111)};
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0}) {
    for (const int64_t rows : {1, 2, 3, 4, 5, 9, 33}) cases.push_back(linear_case(r, rows, 37, 96, type));
    cases.push_back(linear_case(r, 4, 1, 32, type));
    if (type != DType::kQ8_0) cases.push_back(linear_case(r, 6, 13, 45, type));
  }
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      cases.push_back(product_case(r, 1, 1, 1, ta, tb));
      cases.push_back(product_case(r, 5, 18, 33, ta, tb));
      cases.push_back(product_case(r, 48, 7, 20, ta, tb));
    }
  }
  for (const AttentionShape& s : {AttentionShape{{0, 1}, 1, 1, 2, 0}, AttentionShape{{0, 7, 8, 29}, 4, 2, 8, 0},
                                  AttentionShape{{0, 45}, 2, 1, 16, 0}, AttentionShape{{0, 40, 75}, 3, 3, 10, 6},
                                  AttentionShape{{0, 70}, 2, 1, 64, 33}}) {
    cases.push_back(attention_case(r, s));
  }
  cases.push_back(cached_attention_case(r, 1, 0, {{}, 2, 1, 8, 0}));
  cases.push_back(cached_attention_case(r, 1, 95, {{}, 4, 2, 16, 0}));
  cases.push_back(cached_attention_case(r, 13, 50, {{}, 6, 2, 10, 0}));
  cases.push_back(cached_attention_case(r, 21, 60, {{}, 2, 2, 32, 17}));
  return cases;
}

std::vector<OpCase> large_cases(Random& r) {
  std::vector<OpCase> cases = {rms_norm_case(r, 1536, 256), rms_norm_case(r, 512, 2048),
                               swiglu_case(r, 1536 * 768),  cross_entropy_case(r, 512, 2048),
                               rotate_case(r, 1536, 8, 32), embed_case(r, 1536, 2048, 256),
                               add_case(r, 1536 * 256)};
  for (const DType type : {DType::kF32, DType::kBF16, DType::kQ8_0}) {
    for (const int64_t rows : {1, 8, 256}) {
      cases.push_back(linear_case(r, rows, 768, 256, type));
      cases.push_back(linear_case(r, rows, 2048, 2048, type));
    }
  }
  cases.push_back(product_case(r, 1536, 768, 256, false, true));
  cases.push_back(product_case(r, 1536, 256, 768, false, false));
  cases.push_back(product_case(r, 768, 256, 1536, true, false));
  cases.push_back(attention_case(r, {{0, 250, 500, 750, 1000, 1250, 1500}, 8, 4, 32, 0}));
  cases.push_back(attention_case(r, {{0, 1024}, 32, 8, 64, 0}));
  cases.push_back(cached_attention_case(r, 1, 1000, {{}, 32, 8, 64, 0}));
  cases.push_back(cached_attention_case(r, 256, 512, {{}, 32, 8, 64, 0}));
  return cases;
}

}  // namespace

std::vector<OpCase> op_cases(uint64_t seed, bool large) {
  Random random(seed);
  return large ? large_cases(random) : small_cases(random);
}

}  // namespace understudy::testing

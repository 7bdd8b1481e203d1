// Winograd's transforms of one line of a tile: F(m, r) for m outputs of r taps, with m + r - 1 = 8 inputs, whose
// polynomials are taken at 0, 1, -1, 2, -2, 1/2, -1/2 and infinity. Lavin and Gray (2015), "Fast Algorithms for
// Convolutional Neural Networks"; filters.py has the transform of kernels.
#pragma once

#include "vector.h"

constexpr int kTile = 8;                 // inputs a side
constexpr int kPoints = kTile * kTile;  // of the products of a tile

// Eight inputs, `from_step` vectors apart, to the eight points.
inline void to_points(const Floats* from, int from_step, Floats* to, int to_step) {
  const Floats d0 = from[0], d1 = from[from_step], d2 = from[2 * from_step], d3 = from[3 * from_step];
  const Floats d4 = from[4 * from_step], d5 = from[5 * from_step], d6 = from[6 * from_step], d7 = from[7 * from_step];
  to[0] = d0 - d6 + (d4 - d2) * 5.25f;
  to[7 * to_step] = d7 - d1 + (d3 - d5) * 5.25f;
  const Floats even1 = d2 + d6 - d4 * 4.25f, odd1 = d1 + d5 - d3 * 4.25f;
  to[to_step] = even1 + odd1;
  to[2 * to_step] = even1 - odd1;
  const Floats even2 = d6 + d2 * 0.25f - d4 * 1.25f, odd2 = d1 * 0.5f - d3 * 2.5f + d5 * 2.0f;
  to[3 * to_step] = even2 + odd2;
  to[4 * to_step] = even2 - odd2;
  const Floats even3 = d6 + (d2 - d4 * 1.25f) * 4.0f, odd3 = d1 * 2.0f - d3 * 2.5f + d5 * 0.5f;
  to[5 * to_step] = even3 + odd3;
  to[6 * to_step] = even3 - odd3;
}

// Products at the eight points to `Outputs` values.
template <int Outputs>
inline void from_points(const Floats* from, int from_step, Floats* to, int to_step) {
  const Floats p1 = from[from_step], p2 = from[2 * from_step], p3 = from[3 * from_step];
  const Floats p4 = from[4 * from_step], p5 = from[5 * from_step], p6 = from[6 * from_step];
  const Floats even1 = p1 + p2, even2 = p3 + p4, even3 = p5 + p6;
  const Floats odd1 = p1 - p2, odd2 = p3 - p4, odd3 = p5 - p6;
#pragma GCC unroll 6
  for (int i = 0; i < Outputs; ++i) {
    const float power = static_cast<float>(1 << i), inverse = 1.0f / power;
    Floats value = i % 2 ? odd1 + odd2 * power + odd3 * inverse : even1 + even2 * power + even3 * inverse;
    if (i == 0) value += from[0];
    if (i == Outputs - 1) value += from[7 * from_step];
    to[i * to_step] = value;
  }
}

// `Outputs` gradients to the eight points: `from_points` transposed.
template <int Outputs>
inline void outputs_to_points(const Floats* from, Floats* to, int to_step) {
  Floats even[3] = {all(0), all(0), all(0)}, odd[3] = {all(0), all(0), all(0)};
#pragma GCC unroll 6
  for (int i = 0; i < Outputs; ++i) {
    const float power = static_cast<float>(1 << i), inverse = 1.0f / power;
    Floats* sums = i % 2 ? odd : even;
    sums[0] += from[i];
    sums[1] += from[i] * power;
    sums[2] += from[i] * inverse;
  }
  to[0] = from[0];
  for (int pair = 0; pair < 3; ++pair) {
    to[(2 * pair + 1) * to_step] = even[pair] + odd[pair];
    to[(2 * pair + 2) * to_step] = even[pair] - odd[pair];
  }
  to[7 * to_step] = from[Outputs - 1];
}

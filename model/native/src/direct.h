// Convolutions of few channels, as those of a picture: every product is computed.
#pragma once

#include "layer.h"

constexpr int kDirectFilters = 3 * kLanes;  // at once, as filters.py packs them

// 2 x 2 pixels of `Vectors` times eight filters, whose sums stay in registers.
template <int Vectors>
inline void convolve_block(const Layer& layer, const Pictures& from, const Pictures& to, int index, int top, int left,
                           int filter) {
  const int border = layer.size / 2, step = layer.channels;
  const float* weights = layer.weights + static_cast<std::int64_t>(filter) * layer.size * layer.size * step;
  Floats sums[4][Vectors];
  for (auto& pixel : sums)
    for (auto& sum : pixel) sum = all(0);
  for (int y = 0; y < layer.size; ++y) {
    const float* upper = from.at(index, top - border + y, left - border, step);
    const float* lower = upper + from.row;
#pragma GCC unroll 1
    for (int i = 0; i < layer.size * step; ++i, weights += Vectors * kLanes) {
      const float pixels[4] = {upper[i], upper[i + step], lower[i], lower[i + step]};
      Floats weight[Vectors];
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; ++v) weight[v] = load(weights + v * kLanes);
#pragma GCC unroll 4
      for (int p = 0; p < 4; ++p) {  // one at a time: 12 sums, 3 weights and a pixel are all registers of AVX2
        const Floats pixel = all(pixels[p]);
#pragma GCC unroll 3
        for (int v = 0; v < Vectors; ++v) sums[p][v] += pixel * weight[v];
      }
    }
  }
  for (int v = 0; v < Vectors; ++v) {
    const Floats values[2][2] = {{sums[0][v], sums[1][v]}, {sums[2][v], sums[3][v]}};
    finish<2>(layer, values, filter + v * kLanes, to, index, top, left);
  }
}

// Two rows of one picture.
inline void convolve_rows(const Layer& layer, const Pictures& from, const Pictures& to, int index, int top) {
  for (int left = 0; left < layer.width; left += 2) {
    int filter = 0;
    for (; filter + kDirectFilters <= layer.filters; filter += kDirectFilters)
      convolve_block<3>(layer, from, to, index, top, left, filter);
    if (layer.filters - filter == 2 * kLanes) convolve_block<2>(layer, from, to, index, top, left, filter);
    if (layer.filters - filter == kLanes) convolve_block<1>(layer, from, to, index, top, left, filter);
  }
}

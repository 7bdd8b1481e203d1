// One layer of a chain: a convolution with stride 1 and its output as large as its input, and what follows it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "vector.h"

// As convolutions.py fills it in. Channels are multiples of eight, but for those of a picture.
struct Layer {
  std::int32_t height, width;  // of the input
  std::int32_t channels, filters;
  std::int32_t size;         // of the kernel, a side; odd
  std::int32_t is_winograd;  // or computed directly
  std::int32_t is_pooled;    // by the maximum of 2 x 2
  std::int32_t is_rectified;
  const float* weights;  // as filters.py packs them
  const float* scale;    // behind pooling, one a filter
  const float* shift;

  int out_height() const { return is_pooled ? height / 2 : height; }
  int out_width() const { return is_pooled ? width / 2 : width; }
};

inline int rounded_up(int value, int to) { return (value + to - 1) / to * to; }

// Pictures in memory: row after row, the channels of a pixel side by side.
struct Pictures {
  float* first;  // pixel of the first one, behind its border
  std::int64_t row, picture;  // floats from one to the next

  float* at(int index, int y, int x, int channels) const {
    return first + index * picture + y * row + static_cast<std::int64_t>(x) * channels;
  }
};

// What follows a convolution, for the values of eight filters from `filter` on of a block of Outputs x Outputs pixels.
template <int Outputs>
inline void finish(const Layer& layer, const Floats (&values)[Outputs][Outputs], int filter, const Pictures& to,
                   int index, int top, int left) {
  const Floats scale = load(layer.scale + filter), shift = load(layer.shift + filter);
  const int step = layer.is_pooled ? 2 : 1;
  const int bottom = std::min(Outputs / step, layer.out_height() - top / step);
  const int right = std::min(Outputs / step, layer.out_width() - left / step);
  for (int y = 0; y < bottom; ++y) {
    float* pixel = to.at(index, top / step + y, left / step, layer.filters) + filter;
    for (int x = 0; x < right; ++x, pixel += layer.filters) {
      Floats value = values[y * step][x * step];
      if (layer.is_pooled) {
        value = greater(greater(value, values[2 * y][2 * x + 1]),
                        greater(values[2 * y + 1][2 * x], values[2 * y + 1][2 * x + 1]));
      }
      value = value * scale + shift;
      store(pixel, layer.is_rectified ? greater(value, all(0)) : value);
    }
  }
}

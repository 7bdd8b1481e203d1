// Kernels as they are learned, at the points of their polynomials, and their gradients from there.
#pragma once

#include <algorithm>
#include <cstdint>

#include "winograd.h"

// (size, size, channels, filters). If they are turned: (size, size, filters, channels), and each by half a turn, as the
// gradient of a convolution's input needs them.
struct Kernels {
  const float* first;
  int size, channels, filters;
  bool are_turned;

  // The values of eight filters.
  Floats at(int y, int x, int channel, int filter) const {
    if (!are_turned)
      return load(first + (static_cast<std::int64_t>(y * size + x) * channels + channel) * filters + filter);
    const int place = (size - 1 - y) * size + size - 1 - x;
    const float* from = first + (static_cast<std::int64_t>(place) * filters + filter) * channels + channel;
    Floats values;
    for (int lane = 0; lane < kLanes; ++lane) values[lane] = from[static_cast<std::int64_t>(lane) * channels];
    return values;
  }
};

// What each tap of a line counts at each point: the same numbers as in filters.py.
class Factors {
 public:
  explicit Factors(int size) {
    constexpr float points[] = {0, 1, -1, 2, -2, 0.5f, -0.5f};
    constexpr float factors[] = {1, -2 / 9.0f, -2 / 9.0f, 1 / 90.0f, 1 / 90.0f, 32 / 45.0f, 32 / 45.0f};
    for (int tap = 0; tap < size; ++tap) {
      for (int point = 0; point < kTile - 1; ++point)
        of_[point][tap] = tap == 0 ? factors[point] : of_[point][tap - 1] * points[point];
      of_[kTile - 1][tap] = tap == size - 1;
    }
  }

  const float* operator[](int point) const { return of_[point]; }

 private:
  float of_[kTile][kTile];
};

// All filters of a channel, to where `multiply_point` looks for them: for each point blocks of 16 filters.
inline void kernel_to_points(const Kernels& kernels, const Factors& factors, int channel, float* weights) {
  const int size = kernels.size, channels = kernels.channels;
  const std::int64_t point = static_cast<std::int64_t>(channels) * kernels.filters;
  for (int filter = 0; filter < kernels.filters; filter += kLanes) {
    Floats half[kTile][kTile];  // [point down][tap across]
    for (int x = 0; x < size; ++x) {
      for (int i = 0; i < kTile; ++i) half[i][x] = all(0);
      for (int y = 0; y < size; ++y) {
        const Floats value = kernels.at(y, x, channel, filter);
        for (int i = 0; i < kTile; ++i) half[i][x] += value * factors[i][y];
      }
    }
    const int block = filter / kWinogradFilters * kWinogradFilters;
    const int wide = std::min(kWinogradFilters, kernels.filters - block);
    float* to = weights + static_cast<std::int64_t>(block) * channels + channel * wide + filter - block;
    for (int i = 0; i < kTile; ++i) {
      for (int j = 0; j < kTile; ++j, to += point) {
        Floats value = all(0);
        for (int x = 0; x < size; ++x) value += half[i][x] * factors[j][x];
        store(to, value);
      }
    }
  }
}

// The gradients of all kernels of a channel from those at the points, (64, channels, filters).
inline void kernel_from_points(const float* sums, const Factors& factors, int size, int channels, int filters,
                               int channel, float* out) {
  const std::int64_t point = static_cast<std::int64_t>(channels) * filters;
  const std::int64_t own = static_cast<std::int64_t>(channel) * filters;
  for (int filter = 0; filter < filters; filter += kLanes) {
    Floats half[kTile][kTile];  // [tap down][point across]
    for (int j = 0; j < kTile; ++j) {
      for (int y = 0; y < size; ++y) half[y][j] = all(0);
      for (int i = 0; i < kTile; ++i) {
        const Floats value = load(sums + (i * kTile + j) * point + own + filter);
        for (int y = 0; y < size; ++y) half[y][j] += value * factors[i][y];
      }
    }
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        Floats value = all(0);
        for (int j = 0; j < kTile; ++j) value += half[y][j] * factors[j][x];
        store(out + (y * size + x) * point + own + filter, value);
      }
    }
  }
}

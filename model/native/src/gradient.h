// Gradients of kernels, the transposed of what a convolution does: by Winograd's minimal filtering, tiles of inputs and
// of gradients are taken to the points, multiplied there, and their sums over all tiles taken back; with few channels,
// every product is computed.
#pragma once

#include <algorithm>
#include <cstdint>

#include "layer.h"
#include "winograd.h"

// A tile of gradients, `Outputs` pixels a side, to scratch.products.
template <int Outputs>
inline void gradient_to_points(const Layer& layer, const float* from, std::int64_t row, const Scratch& scratch,
                               int tile) {
  const std::int64_t point = static_cast<std::int64_t>(scratch.tiles) * layer.filters;
  for (int filter = 0; filter < layer.filters; filter += kLanes) {
    Floats column[Outputs], half[kTile * Outputs], line[kTile];
    for (int x = 0; x < Outputs; ++x) {
      for (int y = 0; y < Outputs; ++y) column[y] = load(from + y * row + x * layer.filters + filter);
      outputs_to_points<Outputs>(column, half + x, Outputs);
    }
    float* to = scratch.products + static_cast<std::int64_t>(tile) * layer.filters + filter;
    for (int y = 0; y < kTile; ++y) {
      outputs_to_points<Outputs>(half + y * Outputs, line, 1);
      for (int x = 0; x < kTile; ++x) store(to + (y * kTile + x) * point, line[x]);
    }
  }
}

// Adds to `Rows` rows of `filters` sums, of which it computes up to 24: values by gradients, both of `count` places.
template <int Rows, int Vectors>
inline void add_products(const float* values, std::int64_t values_step, const float* gradients, int filters,
                         std::int64_t count, float* to) {
  Floats sums[Rows][Vectors];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) sums[r][v] = load(to + static_cast<std::int64_t>(r) * filters + v * kLanes);
#pragma GCC unroll 1
  for (std::int64_t place = 0; place < count; ++place, values += values_step, gradients += filters) {
    Floats gradient[Vectors];
#pragma GCC unroll 3
    for (int v = 0; v < Vectors; ++v) gradient[v] = load(gradients + v * kLanes);
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      const Floats value = all(values[r]);
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; ++v) sums[r][v] += value * gradient[v];
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) store(to + static_cast<std::int64_t>(r) * filters + v * kLanes, sums[r][v]);
}

// The same for any number of rows.
template <int AtOnce, int Vectors>
inline void add_rows(const float* values, int rows, std::int64_t values_step, const float* gradients, int filters,
                     std::int64_t count, float* to) {
  for (; rows >= AtOnce; rows -= AtOnce, values += AtOnce, to += static_cast<std::int64_t>(AtOnce) * filters)
    add_products<AtOnce, Vectors>(values, values_step, gradients, filters, count, to);
  if constexpr (AtOnce > 1) {
    if (rows) add_rows<AtOnce / 2, Vectors>(values, rows, values_step, gradients, filters, count, to);
  }
}

// One point: (tiles, channels) of inputs by (tiles, filters) of gradients, added to (channels, filters).
inline void add_point(const Layer& layer, const Scratch& scratch, int point, int count, float* sums) {
  const int channels = layer.channels, filters = layer.filters;
  const float* inputs = scratch.inputs + static_cast<std::int64_t>(point) * scratch.tiles * channels;
  const float* gradients = scratch.products + static_cast<std::int64_t>(point) * scratch.tiles * filters;
  int filter = 0;
  for (; filter + 2 * kLanes <= filters; filter += 2 * kLanes)
    add_rows<6, 2>(inputs, channels, channels, gradients + filter, filters, count, sums + filter);
  if (filter < filters) add_rows<6, 1>(inputs, channels, channels, gradients + filter, filters, count, sums + filter);
}

// Every product of one picture with its border, added to (size, size, channels, filters).
inline void add_picture(const Layer& layer, const Pictures& from, const float* gradients, float* sums) {
  const int line = layer.size * layer.channels, border = layer.size / 2;
  const std::int64_t row = static_cast<std::int64_t>(layer.width) * layer.filters;
  for (int y = 0; y < layer.height; ++y, gradients += row) {
    for (int tap = 0; tap < layer.size; ++tap) {
      const float* values = from.at(0, y - border + tap, -border, layer.channels);
      float* to = sums + static_cast<std::int64_t>(tap) * line * layer.filters;
      int filter = 0;
      for (; filter + 3 * kLanes <= layer.filters; filter += 3 * kLanes)
        add_rows<4, 3>(values, line, layer.channels, gradients + filter, layer.filters, layer.width, to + filter);
      for (; filter < layer.filters; filter += kLanes)
        add_rows<4, 1>(values, line, layer.channels, gradients + filter, layer.filters, layer.width, to + filter);
    }
  }
}

// Convolutions by Winograd's minimal filtering: tiles of 8 x 8 inputs are transformed, multiplied at 64 points, summed
// over channels there, and transformed back to (9 - size) x (9 - size) outputs. For kernels of 5 x 5 that is 64
// products for 16 outputs, where computing directly takes 400.
#pragma once

#include <cstdint>

#include "layer.h"
#include "transform.h"

constexpr int kWinogradFilters = 2 * kLanes;  // at once, as filters.py packs them
constexpr int kMultipliedTiles = 6;           // at once: with 16 filters, twelve registers of sums

// Where a tile's outputs are: the picture's number, and the first pixel.
struct Place {
  int index, top, left;
};

// Which tiles of the pictures, counted row by row and picture by picture.
struct Tiles {
  int first, count;
  int in_row, in_picture;

  // Of one of them, whose outputs are so many a side.
  Place place(int tile, int side) const {
    const int number = first + tile, inside = number % in_picture;
    return {number / in_picture, inside / in_row * side, inside % in_row * side};
  }
};

// Scratch of one thread: the tiles of a block in both domains, [point][tile][channel].
struct Scratch {
  float *inputs, *products;
  int tiles;  // that fit
};

inline void transform_tile(const Layer& layer, const float* from, std::int64_t row, const Scratch& scratch, int tile) {
  const std::int64_t point = static_cast<std::int64_t>(scratch.tiles) * layer.channels;
  for (int channel = 0; channel < layer.channels; channel += kLanes) {
    Floats column[kTile], half[kPoints], line[kTile];
    for (int x = 0; x < kTile; ++x) {
      for (int y = 0; y < kTile; ++y) column[y] = load(from + y * row + x * layer.channels + channel);
      to_points(column, 1, half + x, kTile);
    }
    float* to = scratch.inputs + static_cast<std::int64_t>(tile) * layer.channels + channel;
    for (int y = 0; y < kTile; ++y) {
      to_points(half + y * kTile, 1, line, 1);
      for (int x = 0; x < kTile; ++x) store(to + (y * kTile + x) * point, line[x]);
    }
  }
}

// Rows of a matrix by columns of another: a few tiles by up to 16 filters.
template <int Tiles_, int Vectors>
inline void multiply(const float* tiles, const float* weights, int channels, float* products, int filters) {
  Floats sums[Tiles_][Vectors];
  for (auto& tile : sums)
    for (auto& sum : tile) sum = all(0);
#pragma GCC unroll 1
  for (int channel = 0; channel < channels; ++channel, weights += Vectors * kLanes) {
    Floats weight[Vectors];
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) weight[v] = load(weights + v * kLanes);
#pragma GCC unroll 6
    for (int t = 0; t < Tiles_; ++t) {
      const Floats value = all(tiles[static_cast<std::int64_t>(t) * channels + channel]);
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) sums[t][v] += value * weight[v];
    }
  }
#pragma GCC unroll 6
  for (int t = 0; t < Tiles_; ++t)
    for (int v = 0; v < Vectors; ++v) store(products + static_cast<std::int64_t>(t) * filters + v * kLanes, sums[t][v]);
}

template <int Vectors>
inline void multiply_tiles(const Layer& layer, const float* tiles, const float* weights, float* products, int count) {
  const int channels = layer.channels, filters = layer.filters;
  const auto step = [&](int by) {
    tiles += static_cast<std::int64_t>(by) * channels;
    products += static_cast<std::int64_t>(by) * filters;
    count -= by;
  };
  for (; count >= kMultipliedTiles; step(kMultipliedTiles))
    multiply<kMultipliedTiles, Vectors>(tiles, weights, channels, products, filters);
  if (count >= 4) {
    multiply<4, Vectors>(tiles, weights, channels, products, filters);
    step(4);
  }
  if (count >= 2) {
    multiply<2, Vectors>(tiles, weights, channels, products, filters);
    step(2);
  }
  if (count) multiply<1, Vectors>(tiles, weights, channels, products, filters);
}

inline void multiply_point(const Layer& layer, const Scratch& scratch, int point, int count) {
  const float* weights = layer.weights + static_cast<std::int64_t>(point) * layer.channels * layer.filters;
  const float* tiles = scratch.inputs + static_cast<std::int64_t>(point) * scratch.tiles * layer.channels;
  float* products = scratch.products + static_cast<std::int64_t>(point) * scratch.tiles * layer.filters;
  int filter = 0;
  for (; filter + kWinogradFilters <= layer.filters; filter += kWinogradFilters) {
    multiply_tiles<2>(layer, tiles, weights, products + filter, count);
    weights += static_cast<std::int64_t>(kWinogradFilters) * layer.channels;
  }
  if (filter < layer.filters) multiply_tiles<1>(layer, tiles, weights, products + filter, count);
}

template <int Outputs>
inline void finish_tile(const Layer& layer, const Scratch& scratch, int tile, const Pictures& to,
                        const Place& place) {
  const std::int64_t point = static_cast<std::int64_t>(scratch.tiles) * layer.filters;
  for (int filter = 0; filter < layer.filters; filter += kLanes) {
    const float* from = scratch.products + static_cast<std::int64_t>(tile) * layer.filters + filter;
    Floats column[kTile], half[Outputs * kTile], values[Outputs][Outputs];
    for (int x = 0; x < kTile; ++x) {
      for (int y = 0; y < kTile; ++y) column[y] = load(from + (y * kTile + x) * point);
      from_points<Outputs>(column, 1, half + x, kTile);
    }
    for (int y = 0; y < Outputs; ++y) from_points<Outputs>(half + y * kTile, 1, values[y], 1);
    finish<Outputs>(layer, values, filter, to, place.index, place.top, place.left);
  }
}

template <int Outputs>
inline void convolve_tiles(const Layer& layer, const Pictures& from, const Pictures& to, const Tiles& tiles,
                           const Scratch& scratch) {
  const int border = layer.size / 2;
  for (int tile = 0; tile < tiles.count; ++tile) {
    const Place place = tiles.place(tile, Outputs);
    const float* first = from.at(place.index, place.top - border, place.left - border, layer.channels);
    transform_tile(layer, first, from.row, scratch, tile);
  }
  for (int point = 0; point < kPoints; ++point) multiply_point(layer, scratch, point, tiles.count);
  for (int tile = 0; tile < tiles.count; ++tile)
    finish_tile<Outputs>(layer, scratch, tile, to, tiles.place(tile, Outputs));
}

// Convolutions of batches with kernels that change, and the gradients of these; for convolver.py.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "direct.h"
#include "gradient.h"
#include "kernels.h"
#include "layer.h"
#include "threads.h"
#include "winograd.h"

// As convolver.py fills it in. Filters are multiples of eight, and so are channels, but for the few of pictures.
struct Batch {
  std::int32_t pictures, height, width, channels, filters;
  std::int32_t size;  // of the kernels, a side; odd

  std::int64_t pixels() const { return static_cast<std::int64_t>(height) * width; }
  bool is_winograd() const { return channels % kLanes == 0; }
  int side() const { return kTile + 1 - size; }  // of the outputs of a tile
};

// Floats that stay for the next call: having the system bring them anew takes longer than many a convolution.
class Buffer {
 public:
  float* of(std::int64_t size) {
    if (size > size_) {
      floats_.reset();
      size_ = 0;
      floats_.reset(new float[size]);
      size_ = size;
    }
    return floats_.get();
  }

 private:
  std::unique_ptr<float[]> floats_;
  std::int64_t size_ = 0;
};

// Computes one call at a time, each by all of its threads. What it gives does not hang on their number.
class Convolver {
 public:
  explicit Convolver(int threads) : threads_(threads), tiles_(threads_.count()) {}

  // pictures: (pictures, height, width, channels); to (pictures, height, width, filters).
  void convolve(const Batch& batch, const float* pictures, const float* kernels, bool are_turned, float* out) {
    const std::lock_guard<std::mutex> alone(mutex_);
    const Threads::Awake awake(threads_, kLooks);
    Layer layer = layer_of(batch);
    const std::int64_t row = static_cast<std::int64_t>(batch.width) * batch.filters;
    const Pictures to{out, row, batch.height * row};
    if (!batch.is_winograd()) {
      layer.weights = packed(batch, kernels);
      threads_.share(batch.pictures, [&](int index, int thread) {
        const Pictures from = bordered(batch, pictures, index, thread);
        const Pictures own{to.at(index, 0, 0, 0), to.row, to.picture};
        for (int top = 0; top < batch.height; top += 2) convolve_rows(layer, from, own, 0, top);
      });
      return;
    }
    float* weights = weights_.of(static_cast<std::int64_t>(kPoints) * batch.channels * batch.filters);
    const Kernels given{kernels, batch.size, batch.channels, batch.filters, are_turned};
    const Factors factors(batch.size);
    threads_.share(batch.channels, [&](int channel, int) { kernel_to_points(given, factors, channel, weights); });
    layer.weights = weights;
    in_blocks(batch, [&](const Tiles& tiles, const Scratch& scratch) {
      each(tiles, batch.side(), [&](int tile, const Place& place, int thread) {
        enter(layer, pictures, place, scratch, tile, thread);
      });
      threads_.share(kPoints, [&](int point, int) { multiply_point(layer, scratch, point, tiles.count); });
      each(tiles, batch.side(), [&](int tile, const Place& place, int) {
        switch (batch.size) {
          case 3: return finish_tile<6>(layer, scratch, tile, to, place);
          case 5: return finish_tile<4>(layer, scratch, tile, to, place);
          default: return finish_tile<2>(layer, scratch, tile, to, place);
        }
      });
    });
  }

  // gradients: of what `convolve` gave; to the gradient of its kernels, (size, size, channels, filters).
  void kernel_gradient(const Batch& batch, const float* pictures, const float* gradients, float* out) {
    const std::lock_guard<std::mutex> alone(mutex_);
    const Threads::Awake awake(threads_, kLooks);
    const Layer layer = layer_of(batch);
    const std::int64_t taps = static_cast<std::int64_t>(batch.size) * batch.size;
    const std::int64_t matrix = static_cast<std::int64_t>(batch.channels) * batch.filters;
    if (!batch.is_winograd()) {  // a sum for each picture, added up in their order: the same with any threads
      float* sums = weights_.of(batch.pictures * taps * matrix);
      threads_.share(batch.pictures, [&](int index, int thread) {
        float* own = sums + index * taps * matrix;
        std::fill_n(own, taps * matrix, 0.0f);
        add_picture(layer, bordered(batch, pictures, index, thread), gradients + index * batch.pixels() * batch.filters,
                    own);
      });
      std::fill_n(out, taps * matrix, 0.0f);
      for (int index = 0; index < batch.pictures; ++index)
        for (std::int64_t i = 0; i < taps * matrix; ++i) out[i] += sums[index * taps * matrix + i];
      return;
    }
    float* sums = weights_.of(kPoints * matrix);
    threads_.share(kPoints, [&](int point, int) { std::fill_n(sums + point * matrix, matrix, 0.0f); });
    in_blocks(batch, [&](const Tiles& tiles, const Scratch& scratch) {
      each(tiles, batch.side(), [&](int tile, const Place& place, int thread) {
        enter(layer, pictures, place, scratch, tile, thread);
        const Window window = seen(layer, batch.filters, gradients, place.index, place.top, place.left, batch.side(),
                                   thread);
        switch (batch.size) {
          case 3: return gradient_to_points<6>(layer, window.first, window.row, scratch, tile);
          case 5: return gradient_to_points<4>(layer, window.first, window.row, scratch, tile);
          default: return gradient_to_points<2>(layer, window.first, window.row, scratch, tile);
        }
      });
      threads_.share(kPoints, [&](int point, int) {
        add_point(layer, scratch, point, tiles.count, sums + point * matrix);
      });
    });
    const Factors factors(batch.size);
    threads_.share(batch.channels, [&](int channel, int) {
      kernel_from_points(sums, factors, batch.size, batch.channels, batch.filters, channel, out);
    });
  }

 private:
  static constexpr std::int64_t kBlockFloats = 1 << 18;  // a thread, in both domains: what stays in caches
  static constexpr int kLooks = 4000;                    // about 0.1 ms on a CPU of 2021
  static constexpr int kChunk = 4;                       // tiles that a thread takes at a time

  struct Window {
    const float* first;
    std::int64_t row;
  };

  // Nothing follows a convolution here: what comes out is multiplied with one, and zero is added.
  Layer layer_of(const Batch& batch) {
    const std::size_t filters = batch.filters;
    if (ones_.size() < filters) ones_.assign(filters, 1.0f);
    if (zeros_.size() < filters) zeros_.assign(filters, 0.0f);
    // All memory is asked for before threads are at work, where there is nobody to tell that there is none.
    const std::int64_t tile = kPoints * static_cast<std::int64_t>(std::max(batch.channels, batch.filters));
    for (Buffer& one : tiles_) one.of(batch.is_winograd() ? tile : bordered_size(batch));
    return {batch.height, batch.width, batch.channels, batch.filters, batch.size, batch.is_winograd(), 0, 0,
            nullptr,      ones_.data(), zeros_.data()};
  }

  // As many tiles at a time as kBlockFloats hold. No sum hangs on how many these are.
  template <class Work>
  void in_blocks(const Batch& batch, const Work& work) {
    const int side = batch.side(), in_row = rounded_up(batch.width, side) / side;
    const int in_picture = in_row * (rounded_up(batch.height, side) / side);
    const int total = batch.pictures * in_picture;
    const std::int64_t one = static_cast<std::int64_t>(kPoints) * (batch.channels + batch.filters);
    const int groups = std::max(1, static_cast<int>(threads_.count() * kBlockFloats / one / kMultipliedTiles));
    const int block = std::min(groups * kMultipliedTiles, total);
    const Scratch scratch{inputs_.of(static_cast<std::int64_t>(kPoints) * block * batch.channels),
                          products_.of(static_cast<std::int64_t>(kPoints) * block * batch.filters), block};
    for (int first = 0; first < total; first += block)
      work(Tiles{first, std::min(block, total - first), in_row, in_picture}, scratch);
  }

  // Calls work(tile, place, thread) for each of the tiles.
  template <class Work>
  void each(const Tiles& tiles, int side, const Work& work) {
    threads_.share(rounded_up(tiles.count, kChunk) / kChunk, [&](int chunk, int thread) {
      const int end = std::min(tiles.count, (chunk + 1) * kChunk);
      for (int tile = chunk * kChunk; tile < end; ++tile) work(tile, tiles.place(tile, side), thread);
    });
  }

  void enter(const Layer& layer, const float* pictures, const Place& place, const Scratch& scratch, int tile,
             int thread) {
    const int border = layer.size / 2;
    const Window window = seen(layer, layer.channels, pictures, place.index, place.top - border, place.left - border,
                               kTile, thread);
    transform_tile(layer, window.first, window.row, scratch, tile);
  }

  // A square of pixels where it is, or copied between zeros if it reaches over the edge of its picture.
  Window seen(const Layer& layer, int channels, const float* pictures, int index, int top, int left, int side,
              int thread) {
    const std::int64_t row = static_cast<std::int64_t>(layer.width) * channels;
    const float* picture = pictures + index * layer.height * row;
    if (top >= 0 && left >= 0 && top + side <= layer.height && left + side <= layer.width)
      return {picture + top * row + static_cast<std::int64_t>(left) * channels, row};
    const std::int64_t own_row = static_cast<std::int64_t>(side) * channels;
    float* copy = tiles_[thread].of(side * own_row);
    std::fill_n(copy, side * own_row, 0.0f);
    const int from = std::max(0, left), end = std::min(layer.width, left + side);
    for (int y = std::max(0, top); y < std::min(layer.height, top + side); ++y)
      std::copy_n(picture + y * row + static_cast<std::int64_t>(from) * channels,
                  static_cast<std::int64_t>(end - from) * channels,
                  copy + (y - top) * own_row + static_cast<std::int64_t>(from - left) * channels);
    return {copy, own_row};
  }

  // With zeros around it, and behind that what the last two rows and columns reach over.
  Pictures bordered(const Batch& batch, const float* pictures, int index, int thread) {
    const std::int64_t size = bordered_size(batch), line = static_cast<std::int64_t>(batch.width) * batch.channels;
    float* copy = tiles_[thread].of(size);
    std::fill_n(copy, size, 0.0f);
    const std::int64_t row = bordered_row(batch);
    const Pictures to{copy + batch.size / 2 * (row + batch.channels), row, size};
    const float* picture = pictures + index * batch.height * line;
    for (int y = 0; y < batch.height; ++y) std::copy_n(picture + y * line, line, to.at(0, y, 0, 0));
    return to;
  }

  static std::int64_t bordered_row(const Batch& batch) {
    return static_cast<std::int64_t>(rounded_up(batch.width, 2) + batch.size - 1) * batch.channels;
  }

  static std::int64_t bordered_size(const Batch& batch) {
    return (rounded_up(batch.height, 2) + batch.size - 1) * bordered_row(batch);
  }

  // As filters.py has them for `convolve_rows`: blocks of up to 24 filters, (size, size, channels, 24).
  const float* packed(const Batch& batch, const float* kernels) {
    const std::int64_t taps = static_cast<std::int64_t>(batch.size) * batch.size * batch.channels;
    float* weights = weights_.of(taps * batch.filters);
    float* to = weights;
    for (int filter = 0; filter < batch.filters; filter += kDirectFilters) {
      const int wide = std::min(kDirectFilters, batch.filters - filter);
      for (std::int64_t tap = 0; tap < taps; ++tap, to += wide)
        std::copy_n(kernels + tap * batch.filters + filter, wide, to);
    }
    return weights;
  }

  std::mutex mutex_;
  Threads threads_;
  Buffer weights_, inputs_, products_;
  std::vector<Buffer> tiles_;  // one a thread: what reaches over an edge
  std::vector<float> ones_, zeros_;
};

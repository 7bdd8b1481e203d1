// Pictures through layers of convolutions, one behind the other; for convolutions.py of the service.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "direct.h"
#include "layer.h"
#include "threads.h"
#include "winograd.h"

constexpr int kGroup = 4;   // pictures that go through all layers together
constexpr int kBlock = 12;  // tiles that a thread computes at a time; a multiple of kMultipliedTiles

// Pixels a side of what a layer computes at once.
inline int outputs(const Layer& layer) { return layer.is_winograd ? kTile + 1 - layer.size : 2; }

class Chain {
 public:
  Chain(const Layer* layers, int count, const float* scale, const float* shift, int threads)
      : layers_(layers, layers + count), scale_(scale), shift_(shift), threads_(threads), scratch_(threads) {
    std::int64_t most_inputs = 0, most_products = 0;
    for (const Layer& layer : layers_) {
      // A border of zeros, and behind it what the last tiles reach over.
      const int side = outputs(layer), border = layer.size - 1;
      const std::int64_t row = (rounded_up(layer.width, side) + border) * static_cast<std::int64_t>(layer.channels);
      const std::int64_t picture = (rounded_up(layer.height, side) + border) * row;
      memory_.emplace_back(new float[kGroup * picture]());
      float* first = memory_.back().get() + layer.size / 2 * (row + layer.channels);
      inputs_.push_back({first, row, picture});
      if (layer.is_winograd) {
        most_inputs = std::max<std::int64_t>(most_inputs, layer.channels);
        most_products = std::max<std::int64_t>(most_products, layer.filters);
      }
    }
    for (Scratch& one : scratch_) {
      memory_.emplace_back(new float[kPoints * kBlock * most_inputs]);
      one.inputs = memory_.back().get();
      memory_.emplace_back(new float[kPoints * kBlock * most_products]);
      one.products = memory_.back().get();
    }
  }

  void run(const std::uint8_t* pictures, std::int64_t count, float* out) {
    const Layer& first = layers_.front();
    const Layer& last = layers_.back();
    const std::int64_t row = static_cast<std::int64_t>(last.out_width()) * last.filters;
    const std::int64_t size_in = static_cast<std::int64_t>(first.height) * first.width * first.channels;
    const std::int64_t size_out = last.out_height() * row;
    for (std::int64_t done = 0; done < count; done += kGroup) {
      const int group = static_cast<int>(std::min<std::int64_t>(kGroup, count - done));
      enter(pictures + done * size_in, group);
      for (std::size_t i = 0; i < layers_.size(); ++i) {
        const bool is_last = i + 1 == layers_.size();
        compute(layers_[i], inputs_[i], is_last ? Pictures{out + done * size_out, row, size_out} : inputs_[i + 1],
                group);
      }
    }
  }

 private:
  // Pixels to floats, row by row.
  void enter(const std::uint8_t* pictures, int group) {
    const Layer& layer = layers_.front();
    const int width = layer.width * layer.channels;
    threads_.share(group, [&](int index, int) {
      const std::uint8_t* from = pictures + static_cast<std::int64_t>(index) * layer.height * width;
      for (int y = 0; y < layer.height; ++y, from += width) {
        float* to = inputs_.front().at(index, y, 0, layer.channels);
        for (int x = 0; x < width; ++x) to[x] = static_cast<float>(from[x]) * scale_[x] + shift_[x];
      }
    });
  }

  void compute(const Layer& layer, const Pictures& from, const Pictures& to, int group) {
    if (!layer.is_winograd) {
      const int pairs = rounded_up(layer.height, 2) / 2;
      threads_.share(group * pairs, [&](int item, int) {
        convolve_rows(layer, from, to, item / pairs, item % pairs * 2);
      });
      return;
    }
    const int side = outputs(layer);
    const int in_row = rounded_up(layer.width, side) / side;
    const int in_picture = in_row * rounded_up(layer.height, side) / side;
    const int total = group * in_picture;
    if (total == 0) return;
    // Few tiles are shared evenly; many are taken in turn, so that a thread that is held up gets fewer.
    const int block = std::min(kBlock, (total + threads_.count() - 1) / threads_.count());
    threads_.share((total + block - 1) / block, [&](int item, int thread) {
      const Tiles tiles{item * block, std::min(block, total - item * block), in_row, in_picture};
      Scratch scratch = scratch_[thread];
      scratch.tiles = block;
      switch (layer.size) {
        case 3: return convolve_tiles<6>(layer, from, to, tiles, scratch);
        case 5: return convolve_tiles<4>(layer, from, to, tiles, scratch);
        default: return convolve_tiles<2>(layer, from, to, tiles, scratch);
      }
    });
  }

  std::vector<Layer> layers_;
  const float *scale_, *shift_;  // of the picture, for each value of a row
  std::vector<std::unique_ptr<float[]>> memory_;
  std::vector<Pictures> inputs_;
  Threads threads_;
  std::vector<Scratch> scratch_;
};

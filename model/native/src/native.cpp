// What library.py opens: convolutions for the service (chain.h) and for training (convolver.h).

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "threads.h"

// The compiler may use AVX2 from here on; bifocal_is_supported says whether the CPU has it.
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#elif defined(__x86_64__)
#pragma GCC target("avx2,fma")
#endif

#include "chain.h"
#include "convolver.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

// What library.py has to agree with, so that a library of other sources is noticed: raised with every change of the
// functions below, of Layer, of Batch, or of how weights are packed.
constexpr int kInterface = 2;

EXPORTED int bifocal_interface() { return kInterface; }

EXPORTED int bifocal_is_supported() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return 1;
#endif
}

// Whether the CPU has wider units, which this does not use and other libraries do; on other CPUs than x86 nobody knows.
EXPORTED int bifocal_may_be_slower() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f");
#else
  return 1;
#endif
}

// Null if there is no memory or no thread for it.
EXPORTED void* bifocal_chain_new(const Layer* layers, std::int32_t count, const float* scale, const float* shift,
                                 std::int32_t threads) {
  try {
    return new Chain(layers, count, scale, shift, threads);
  } catch (const std::exception&) {
    return nullptr;
  }
}

EXPORTED void bifocal_chain_run(void* chain, const std::uint8_t* pictures, std::int64_t count, float* out) {
  static_cast<Chain*>(chain)->run(pictures, count, out);
}

EXPORTED void bifocal_chain_delete(void* chain) { delete static_cast<Chain*>(chain); }

// Null if there is no memory or no thread for it.
EXPORTED void* bifocal_convolver_new(std::int32_t threads) {
  try {
    return new Convolver(threads);
  } catch (const std::exception&) {
    return nullptr;
  }
}

// 0 if there is no memory for it.
EXPORTED int bifocal_convolve(void* convolver, const Batch* batch, const float* pictures, const float* kernels,
                              std::int32_t are_turned, float* out) {
  try {
    static_cast<Convolver*>(convolver)->convolve(*batch, pictures, kernels, are_turned, out);
    return 1;
  } catch (const std::exception&) {
    return 0;
  }
}

EXPORTED int bifocal_kernel_gradient(void* convolver, const Batch* batch, const float* pictures,
                                     const float* gradients, float* out) {
  try {
    static_cast<Convolver*>(convolver)->kernel_gradient(*batch, pictures, gradients, out);
    return 1;
  } catch (const std::exception&) {
    return 0;
  }
}

#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute pop
#endif

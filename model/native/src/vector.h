// Eight floats that are computed with at once: one register with AVX2, two with NEON or SSE.
#pragma once

typedef float Floats __attribute__((vector_size(32)));
// The same anywhere in memory.
typedef float FloatsInMemory __attribute__((vector_size(32), aligned(4), may_alias));

constexpr int kLanes = 8;

inline Floats load(const float* from) { return *reinterpret_cast<const FloatsInMemory*>(from); }

inline void store(float* to, Floats values) { *reinterpret_cast<FloatsInMemory*>(to) = values; }

inline Floats all(float value) { return Floats{value, value, value, value, value, value, value, value}; }

inline Floats greater(Floats one, Floats other) { return one > other ? one : other; }

// Threads that share the items of one piece of work after the other.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

class Threads {
 public:
  // The thread that calls `share` is one of `count`.
  explicit Threads(int count) {
    try {
      for (int index = 1; index < count; ++index) others_.emplace_back([this, index] { serve(index); });
    } catch (...) {  // no more threads to be had: those that are there have to end before they go
      end();
      throw;
    }
  }

  ~Threads() { end(); }

  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  // For as long as it is there, all threads look so many times whether there is work before they sleep, as waking one
  // takes up to 0.1 ms: for work that comes in many small shares.
  class Awake {
   public:
    Awake(Threads& threads, int looks) : threads_(threads) { threads_.looks_.store(looks, std::memory_order_relaxed); }
    ~Awake() { threads_.looks_.store(0, std::memory_order_relaxed); }
    Awake(const Awake&) = delete;
    Awake& operator=(const Awake&) = delete;

   private:
    Threads& threads_;
  };

  int count() const { return 1 + static_cast<int>(others_.size()); }

  // Calls work(item, thread) for each item from 0 on, in any thread and order. Returns when all are done.
  template <class Work>
  void share(int items, const Work& work) {
    if (others_.empty() || items == 1) {
      for (int item = 0; item < items; ++item) work(item, 0);
      return;
    }
    work_ = &work;
    call_ = [](const void* what, int item, int thread) { (*static_cast<const Work*>(what))(item, thread); };
    items_ = items;
    next_.store(0, std::memory_order_relaxed);
    busy_.store(static_cast<int>(others_.size()), std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    take(0);
    for (int busy = busy_.load(std::memory_order_acquire); busy != 0;) busy = changed(busy_, busy);
  }

 private:
  void take(int thread) {
    for (int item; (item = next_.fetch_add(1, std::memory_order_relaxed)) < items_;) call_(work_, item, thread);
  }

  void serve(int thread) {
    for (unsigned seen = 0;;) {
      seen = changed(round_, seen);
      if (is_over_.load(std::memory_order_relaxed)) return;
      take(thread);
      if (busy_.fetch_sub(1, std::memory_order_release) == 1) busy_.notify_one();
    }
  }

  // What a number is once it is no longer what was seen.
  template <class Number>
  Number changed(const std::atomic<Number>& of, Number seen) const {
    for (int look = 0; look < looks_.load(std::memory_order_relaxed); ++look) {
      const Number now = of.load(std::memory_order_acquire);
      if (now != seen) return now;
#if defined(__x86_64__)
      _mm_pause();
#endif
    }
    of.wait(seen, std::memory_order_acquire);
    return of.load(std::memory_order_acquire);
  }

  void end() {
    is_over_.store(true, std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    for (auto& one : others_) one.join();
    others_.clear();
  }

  std::atomic<int> looks_{0};
  std::vector<std::thread> others_;
  std::atomic<unsigned> round_{0};
  std::atomic<int> next_{0};
  std::atomic<int> busy_{0};
  std::atomic<bool> is_over_{false};
  int items_ = 0;
  const void* work_ = nullptr;
  void (*call_)(const void*, int, int) = nullptr;
};

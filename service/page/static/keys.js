// The keys that a visitor has entered: kept for this tab, sent in a header, never in an address.

const NAMES = { predict: "bifocal.key", admin: "bifocal.admin-key" };

export const keys = {
  /** The key for one right, "predict" or "admin"; the other's if only that was entered, null if none was. */
  of(right) {
    return read(NAMES[right]) ?? read(NAMES[right === "admin" ? "predict" : "admin"]);
  },
  set(right, key) {
    try {
      sessionStorage.setItem(NAMES[right], key);
    } catch {
      memory[NAMES[right]] = key; // a browser that keeps nothing
    }
  },
  get areUsed() {
    return this.of("predict") !== null;
  },
};

const memory = {};

function read(name) {
  try {
    return sessionStorage.getItem(name) ?? memory[name] ?? null;
  } catch {
    return memory[name] ?? null;
  }
}

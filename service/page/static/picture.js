// A picture that was chosen: its file, how large it is, and a smaller one to send in its place.

import { count } from "./numbers.js";

// Longer side to which a large photo is scaled: far more than networks look at, far less than cameras take.
export const LONGEST_SIDE_PX = 1600;
const JPEG_QUALITY = 0.92;

export class Picture {
  #small = null;

  /**
   * @param {File} file as it was chosen.
   * @param {object} size `width` and `height` upright, in pixels; 0 if this browser can't show it.
   * @param {boolean} isOnDisk whether the visitor has it as a file of that name.
   */
  constructor(file, { width, height }, isOnDisk) {
    this.file = file;
    this.width = width;
    this.height = height;
    this.isOnDisk = isOnDisk;
    // Kept for as long as the page is there: an answer that is still shown may be of this picture.
    this.address = width ? URL.createObjectURL(file) : null;
  }

  /** Reads the size. A file that is no picture, or of a format that this browser does not know, is sent as it is. */
  static async of(file, { isOnDisk = true } = {}) {
    try {
      const bitmap = await upright(file);
      const size = { width: bitmap.width, height: bitmap.height };
      bitmap.close();
      return new Picture(file, size, isOnDisk);
    } catch {
      return new Picture(file, { width: 0, height: 0 }, isOnDisk);
    }
  }

  /** Of a data URL, as the examples have them. */
  static ofDataUrl(address, name) {
    const [about, data] = [address.slice(5, address.indexOf(",")), address.slice(address.indexOf(",") + 1)];
    const type = about.split(";")[0] || "image/png";
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    const ending = type.split("/")[1].replace("jpeg", "jpg");
    return Picture.of(new File([bytes], `${name}.${ending}`, { type }), { isOnDisk: false });
  }

  get isLarge() {
    return Math.max(this.width, this.height) > LONGEST_SIDE_PX;
  }

  /** Width and height that it is sent with if it may be scaled. */
  get smallSize() {
    const scale = LONGEST_SIDE_PX / Math.max(this.width, this.height);
    return [this.width, this.height].map((side) => Math.max(1, Math.round(side * scale)));
  }

  /** What to send: the file, or a smaller picture in its place. */
  async sent(mayScale) {
    if (!mayScale || !this.isLarge) return this.file;
    this.#small ??= await this.#scaled();
    return this.#small;
  }

  /** In words: name, size, and what becomes of it. */
  described(mayScale) {
    const { name, size } = this.file;
    const kilobytes = `${count(Math.max(1, Math.round(size / 1000)))} kB`;
    if (!this.width) return `${name}, ${kilobytes}. This browser can't show it; it is sent as it is.`;
    const told = `${name}, ${count(this.width)} × ${count(this.height)} px, ${kilobytes}.`;
    if (!this.isLarge || !mayScale) return told;
    const [width, height] = this.smallSize;
    return `${told} Sent as ${count(width)} × ${count(height)} px.`;
  }

  async #scaled() {
    const [width, height] = this.smallSize;
    const bitmap = await upright(this.file);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    // What is transparent stays so: the service knows which background its models were trained with.
    const type = isOpaque(context.getImageData(0, 0, width, height).data) ? "image/jpeg" : "image/png";
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, JPEG_QUALITY));
    return new File([blob], this.file.name, { type });
  }
}

function isOpaque(pixels) {
  for (let at = 3; at < pixels.length; at += 4) if (pixels[at] < 255) return false;
  return true;
}

/** Turned as its EXIF orientation says; a canvas would lose that. */
const upright = (file) => createImageBitmap(file, { imageOrientation: "from-image" });

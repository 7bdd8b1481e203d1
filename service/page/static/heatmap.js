// A heat map over the picture that it is of, with a slider for how much of it shows.

import { element, freshId } from "./element.js";

// Dark violet over red to light yellow: brightness rises evenly, so it reads in print and by colour-blind eyes too.
const COLOURS = [[40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164]];
const SIDE_PX = 480;

/**
 * The part of the model's input that a picture fills, and the part of the picture that the model saw.
 * @param {{width: number, height: number}} picture upright.
 * @param {{width: number, height: number, fit: string}} input as the model says.
 * @returns {{seen: number[], shown: number[]}} x, y, width, height: of the input in pixels, of the picture in shares of it.
 */
export function placeOf(picture, input) {
  const across = input.width / picture.width;
  const down = input.height / picture.height;
  const whole = [0, 0, input.width, input.height];
  if (input.fit === "letterbox") {
    const scale = Math.min(across, down);
    const width = Math.max(1, Math.round(picture.width * scale));
    const height = Math.max(1, Math.round(picture.height * scale));
    const [left, top] = [Math.floor((input.width - width) / 2), Math.floor((input.height - height) / 2)];
    return { seen: [left, top, width, height], shown: [0, 0, 1, 1] };
  }
  if (input.fit === "center_crop") {
    const scale = Math.max(across, down);
    const [width, height] = [across / scale, down / scale];
    return { seen: whole, shown: [(1 - width) / 2, (1 - height) / 2, width, height] };
  }
  return { seen: whole, shown: [0, 0, 1, 1] };
}

/**
 * A picture under its heat map.
 * @param {string} name of the input.
 * @param {Picture} picture that was sent.
 * @param {{png: string, largest: number}} heatmap as the service answers it.
 * @param {object} input as the model says.
 */
export async function heatmapFigure(name, picture, heatmap, input) {
  const map = new Image();
  map.src = `data:image/png;base64,${heatmap.png}`;
  await map.decode();
  const size = picture.width ? picture : { width: input.width, height: input.height };
  const place = picture.width ? placeOf(size, input) : placeOf(size, { ...input, fit: "stretch" });
  const canvas = coloured(map, size, place);
  const layers = element("div", { class: "layers", variables: { heat: 0.6, ratio: size.width / size.height } },
    picture.address ? element("img", { src: picture.address, alt: `The picture given as ${name}` }) : null,
    canvas,
  );
  const id = freshId("heat");
  const slider = element("input", { type: "range", id, min: 0, max: 100, value: 60 });
  slider.addEventListener("input", () => layers.style.setProperty("--heat", slider.value / 100));
  const said = heatmap.largest > 0 ? "Where the model saw the label; brighter is more." : "Nothing in this picture spoke for the label.";
  return element("figure", { class: "heatmap" },
    layers,
    element("figcaption", {},
      element("label", { for: id }, `Heat map over ${name}`),
      slider,
      element("span", { class: "hint" }, said),
    ),
  );
}

function coloured(map, size, { seen, shown }) {
  const scale = SIDE_PX / Math.max(size.width, size.height);
  const canvas = element("canvas", { class: "heat", role: "img", "aria-label": "Heat map" });
  canvas.width = Math.max(1, Math.round(size.width * scale));
  canvas.height = Math.max(1, Math.round(size.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  const [left, top] = [shown[0] * canvas.width, shown[1] * canvas.height];
  context.drawImage(map, ...seen, left, top, shown[2] * canvas.width, shown[3] * canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < pixels.data.length; at += 4) {
    if (pixels.data[at + 3] === 0) continue; // beside what the model saw
    const heat = pixels.data[at] / 255;
    pixels.data.set(colourOf(heat), at);
    pixels.data[at + 3] = Math.round(255 * Math.min(1, 0.35 + heat));
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

function colourOf(heat) {
  const place = heat * (COLOURS.length - 1);
  const lower = Math.min(COLOURS.length - 2, Math.floor(place));
  return COLOURS[lower].map((value, channel) => value + (COLOURS[lower + 1][channel] - value) * (place - lower));
}

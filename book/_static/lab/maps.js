// Small grey pictures and feature maps on canvases.
Lab.define("maps", function (Lab) {
  "use strict";

  const SHOWN = 8; // maps a stage

  // 0..255 grey values, white on black.
  Lab.paintDigit = function (canvas, pixels) {
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(28, 28);
    pixels.forEach((v, i) => image.data.set([v, v, v, 255], 4 * i));
    pen.putImageData(image, 0, 0);
  };

  Lab.digitCanvas = function (pixels) {
    const canvas = Object.assign(document.createElement("canvas"), { width: 28, height: 28 });
    Lab.paintDigit(canvas, pixels);
    return canvas;
  };

  // From dark violet over orange to pale yellow, for shares of 0 to 1.
  const STOPS = [[0, 0, 4], [81, 18, 124], [183, 55, 121], [252, 137, 97], [252, 253, 191]];
  function colour(share) {
    const at = Math.min(0.9999, Math.max(0, share)) * (STOPS.length - 1);
    const i = Math.floor(at);
    return STOPS[i].map((v, c) => v + (at - i) * (STOPS[i + 1][c] - v));
  }
  const COLOURS = Array.from({ length: 256 }, (_, i) => colour(i / 255));

  // The channels that answer most strongly, side by side, brightness relative to the stage.
  Lab.paintMaps = function (canvas, maps, channels) {
    const area = maps.length / channels, size = Math.sqrt(area);
    const sums = Array.from({ length: channels }, (_, c) =>
      maps.subarray(c * area, (c + 1) * area).reduce((a, b) => a + b));
    const best = [...sums.keys()].sort((a, b) => sums[b] - sums[a]).slice(0, SHOWN);
    canvas.width = SHOWN * (size + 1) - 1;
    canvas.height = size;
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(canvas.width, size);
    best.forEach((channel, place) => {
      const values = maps.subarray(channel * area, (channel + 1) * area);
      const most = Math.max(1e-6, ...values);
      values.forEach((v, i) => {
        const at = Math.floor(i / size) * canvas.width + place * (size + 1) + (i % size);
        image.data.set([...COLOURS[Math.round((255 * v) / most)], 255], 4 * at);
      });
    });
    pen.putImageData(image, 0, 0);
    return best;
  };
});

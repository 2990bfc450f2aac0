// From strokes to what the network sees: 28 x 28 grey pixels, placed as MNIST places its digits
// (the longer side 20 pixels, the centre of mass in the middle). Computed from the strokes
// themselves rather than read from a canvas, so every browser gives the same pixels.
Lab.define("drawing", function (Lab) {
  "use strict";

  const SIZE = 28, BOX = 20, PEN = 1.15; // half the pen's width, in pixels

  // `strokes`: lists of [x, y] in any unit. Gives Uint8Array of 28 x 28, white on black.
  Lab.rasterise = function (strokes) {
    const points = strokes.flat();
    if (!points.length) return new Uint8Array(SIZE * SIZE);
    const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
    const least = [Math.min(...xs), Math.min(...ys)];
    const extent = Math.max(Math.max(...xs) - least[0], Math.max(...ys) - least[1]);
    const scale = extent ? (BOX - 2 * PEN) / extent : 0;
    const placed = strokes.map((s) => s.map(([x, y]) =>
      [(x - least[0]) * scale + 6, (y - least[1]) * scale + 6]));
    const [mx, my] = centre(ink(placed, 0, 0));
    // The pixel's middle is at .5, and MNIST's centre of mass at 14.
    return Uint8Array.from(ink(placed, 14 - mx, 14 - my), (v) => Math.round(255 * v));
  };

  function ink(strokes, dx, dy) {
    const result = new Float64Array(SIZE * SIZE);
    for (const stroke of strokes)
      stroke.forEach((end, i) => {
        const start = stroke[Math.max(0, i - 1)];
        segment(result, start[0] + dx, start[1] + dy, end[0] + dx, end[1] + dy);
      });
    return result;
  }

  // Each pixel's darkness falls off over one pixel at the edge of the pen.
  function segment(result, x0, y0, x1, y1) {
    const reach = PEN + 1, length = (x1 - x0) ** 2 + (y1 - y0) ** 2;
    const from = (a, b) => Math.max(0, Math.floor(Math.min(a, b) - reach));
    const to = (a, b) => Math.min(SIZE - 1, Math.ceil(Math.max(a, b) + reach));
    for (let y = from(y0, y1); y <= to(y0, y1); y++)
      for (let x = from(x0, x1); x <= to(x0, x1); x++) {
        const px = x + 0.5 - x0, py = y + 0.5 - y0;
        const t = length ? Math.max(0, Math.min(1, (px * (x1 - x0) + py * (y1 - y0)) / length)) : 0;
        const away = Math.hypot(px - t * (x1 - x0), py - t * (y1 - y0));
        const dark = Math.max(0, Math.min(1, PEN + 0.5 - away));
        if (dark > result[y * SIZE + x]) result[y * SIZE + x] = dark;
      }
  }

  function centre(values) {
    let sum = 0, mx = 0, my = 0;
    values.forEach((v, i) => {
      sum += v;
      mx += v * ((i % SIZE) + 0.5);
      my += v * (Math.floor(i / SIZE) + 0.5);
    });
    return sum ? [mx / sum, my / sum] : [14, 14];
  }
});

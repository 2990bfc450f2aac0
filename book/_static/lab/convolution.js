// Convolution forward and backward, for one picture at a time: feature maps are Float32Arrays of
// channels x height x width, weights of channels out x (channels in x side x side).
Lab.define("convolution", function (Lab) {
  "use strict";

  // Every window of the input as a column, so that convolution becomes a product of matrices.
  function columns(x, channels, size, side, stride, padding) {
    const out = Math.floor((size + 2 * padding - side) / stride) + 1;
    const result = new Float32Array(channels * side * side * out * out);
    let row = 0;
    for (let c = 0; c < channels; c++)
      for (let dy = 0; dy < side; dy++)
        for (let dx = 0; dx < side; dx++, row++) {
          for (let oy = 0; oy < out; oy++) {
            const y = oy * stride + dy - padding;
            if (y < 0 || y >= size) continue;
            const from = (c * size + y) * size;
            const to = (row * out + oy) * out;
            for (let ox = 0; ox < out; ox++) {
              const at = ox * stride + dx - padding;
              if (at >= 0 && at < size) result[to + ox] = x[from + at];
            }
          }
        }
    return result;
  }

  function scatter(cols, channels, size, side, stride, padding) {
    const out = Math.floor((size + 2 * padding - side) / stride) + 1;
    const result = new Float32Array(channels * size * size);
    let row = 0;
    for (let c = 0; c < channels; c++)
      for (let dy = 0; dy < side; dy++)
        for (let dx = 0; dx < side; dx++, row++)
          for (let oy = 0; oy < out; oy++) {
            const y = oy * stride + dy - padding;
            if (y < 0 || y >= size) continue;
            for (let ox = 0; ox < out; ox++) {
              const at = ox * stride + dx - padding;
              if (at >= 0 && at < size)
                result[(c * size + y) * size + at] += cols[(row * out + oy) * out + ox];
            }
          }
    return result;
  }

  // result (rows x width) = weights (rows x inner) times cols (inner x width), plus a bias a row.
  // Four rows of `cols` at a time: each value of the result is then read and written less often.
  function multiply(weights, cols, bias, rows, inner, width) {
    const result = new Float32Array(rows * width);
    for (let r = 0; r < rows; r++) {
      const line = result.subarray(r * width, (r + 1) * width);
      line.fill(bias ? bias[r] : 0);
      let k = 0;
      for (; k + 3 < inner; k += 4) {
        const at = r * inner + k;
        const a = weights[at], b = weights[at + 1], c = weights[at + 2], d = weights[at + 3];
        const i = k * width, j = i + width, m = j + width, n = m + width;
        for (let p = 0; p < width; p++)
          line[p] += a * cols[i + p] + b * cols[j + p] + c * cols[m + p] + d * cols[n + p];
      }
      for (; k < inner; k++) {
        const a = weights[r * inner + k], i = k * width;
        for (let p = 0; p < width; p++) line[p] += a * cols[i + p];
      }
    }
    return result;
  }

  // `layer`: {weight, bias, into, from, side, stride, padding}; gives {out, cols}.
  Lab.convolve = function (layer, x, size) {
    const { from, into, side, stride, padding } = layer;
    const plain = side === 1 && stride === 1;
    const cols = plain ? x : columns(x, from, size, side, stride, padding);
    const inner = from * side * side;
    const out = multiply(layer.weight, cols, layer.bias, into, inner, cols.length / inner);
    return { out, cols };
  };

  // From the gradient of the output: adds to `slope.weight` and `slope.bias`, and gives the
  // gradient of the input, unless nobody asks for it.
  Lab.convolveBack = function (layer, cols, gradient, size, slope, wantInput) {
    const { weight, from, into, side, stride, padding } = layer;
    const inner = from * side * side;
    const width = cols.length / inner;
    for (let r = 0; r < into; r++) {
      const g = r * width;
      let sum = 0;
      for (let p = 0; p < width; p++) sum += gradient[g + p];
      slope.bias[r] += sum;
      for (let k = 0; k < inner; k++) {
        const i = k * width;
        let dot = 0;
        for (let p = 0; p < width; p++) dot += gradient[g + p] * cols[i + p];
        slope.weight[r * inner + k] += dot;
      }
    }
    if (!wantInput) return null;
    const turned = new Float32Array(inner * into);
    for (let r = 0; r < into; r++)
      for (let k = 0; k < inner; k++) turned[k * into + r] = weight[r * inner + k];
    const back = multiply(turned, gradient, null, inner, into, width);
    return side === 1 && stride === 1 ? back : scatter(back, from, size, side, stride, padding);
  };
});

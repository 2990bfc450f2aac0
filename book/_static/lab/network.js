// letters-resnet: a row of stages with a head at the end, as in tl_teach/networks/letters_resnet.py.
// A state holds PyTorch's own tensors by PyTorch's names: {name: {shape, values}}.
Lab.define("network", function (Lab) {
  "use strict";

  const EPSILON = 1e-5; // BatchNorm's
  const SIZE = 28;
  Lab.STAGES = ["stem", "block1", "block2", "block3", "head"];
  Lab.MEAN = 0.1307;
  Lab.STD = 0.3081;

  // Convolutions of a stage: [name, its BatchNorm, channels in, channels out, side, stride].
  const block = (from, into, stride) => [
    ["conv1", "bn1", from, into, 3, stride],
    ["conv2", "bn2", into, into, 3, 1],
    ...(stride > 1 || from !== into ? [["shortcut.0", "shortcut.1", from, into, 1, stride]] : []),
  ];
  const PLAN = {
    stem: [["conv", "bn", 1, 16, 3, 1]],
    block1: block(16, 16, 1),
    block2: block(16, 32, 2),
    block3: block(32, 64, 2),
  };
  Lab.SIDES = { input: 28, stem: 28, block1: 28, block2: 14, block3: 7 };
  Lab.CHANNELS = { stem: 16, block1: 16, block2: 32, block3: 64 };
  Lab.FEATURES = 64;

  // BatchNorm in evaluation mode is a scale and a shift a channel, so it folds into the convolution
  // before it: two passes over the maps become one.
  function fold(state, stage, [conv, bn, from, into, side, stride]) {
    const of = (name) => state[`stages.${stage}.${name}`].values;
    const w = of(`${conv}.weight`), gamma = of(`${bn}.weight`), beta = of(`${bn}.bias`);
    const mean = of(`${bn}.running_mean`), variance = of(`${bn}.running_var`);
    const inner = from * side * side;
    const weight = new Float32Array(w.length), bias = new Float32Array(into);
    const root = Float64Array.from(variance, (v) => 1 / Math.sqrt(v + EPSILON));
    for (let r = 0; r < into; r++) {
      const scale = gamma[r] * root[r];
      for (let k = 0; k < inner; k++) weight[r * inner + k] = w[r * inner + k] * scale;
      bias[r] = beta[r] - mean[r] * scale;
    }
    return { conv, bn, from, into, side, stride, padding: side >> 1, weight, bias, root };
  }

  Lab.foldStage = (state, stage) => PLAN[stage].map((entry) => fold(state, stage, entry));

  Lab.foldNetwork = function (state) {
    const stages = {};
    for (const stage of Lab.STAGES.slice(0, -1)) stages[stage] = Lab.foldStage(state, stage);
    return stages;
  };

  function relu(x) {
    for (let i = 0; i < x.length; i++) if (x[i] < 0) x[i] = 0;
    return x;
  }

  function runStage(layers, x, size, trace) {
    if (layers.length === 1) {
      const { out, cols } = Lab.convolve(layers[0], x, size);
      relu(out);
      trace?.push({ x, size, out, cols });
      return out;
    }
    const [one, two, short] = layers;
    const first = Lab.convolve(one, x, size);
    relu(first.out);
    const second = Lab.convolve(two, first.out, Math.floor((size - 1) / one.stride) + 1);
    const side = short ? Lab.convolve(short, x, size) : { out: x };
    const out = second.out;
    for (let i = 0; i < out.length; i++) out[i] += side.out[i];
    relu(out);
    trace?.push({ x, size, out, first, second, side });
    return out;
  }

  // Runs the stages after `start` (all by default); `maps` and `trace`, if given, are filled.
  Lab.run = function (folded, x, { after = null, through = "block3", maps = null, trace = null } = {}) {
    const from = after === null ? 0 : Lab.STAGES.indexOf(after) + 1;
    const to = Lab.STAGES.indexOf(through);
    for (let s = from; s <= to; s++) {
      const size = s === 0 ? SIZE : Lab.SIDES[Lab.STAGES[s - 1]];
      x = runStage(folded[Lab.STAGES[s]], x, size, trace);
      if (maps) maps[Lab.STAGES[s]] = x;
    }
    return x;
  };

  // The head's first step: each channel's average over the picture.
  Lab.pool = function (maps) {
    const area = maps.length / Lab.FEATURES;
    const result = new Float32Array(Lab.FEATURES);
    for (let c = 0; c < Lab.FEATURES; c++) {
      let sum = 0;
      for (let p = 0; p < area; p++) sum += maps[c * area + p];
      result[c] = sum / area;
    }
    return result;
  };

  Lab.linear = function (weight, bias, x) {
    return Float64Array.from(bias, (b, r) => {
      let sum = b;
      for (let k = 0; k < x.length; k++) sum += weight[r * x.length + k] * x[k];
      return sum;
    });
  };

  Lab.logits = function (state, folded, x) {
    const head = (name) => state[`stages.head.output.${name}`].values;
    return Lab.linear(head("weight"), head("bias"), Lab.pool(Lab.run(folded, x)));
  };

  Lab.normalise = (pixels) => Float32Array.from(pixels, (v) => (v / 255 - Lab.MEAN) / Lab.STD);

  // A network with random weights, drawn as PyTorch draws them: uniform within 1 / sqrt(inputs).
  Lab.randomState = function (copied, seed) {
    let a = seed >>> 0;
    const random = () => { // mulberry32
      a = (a + 0x6d2b79f5) | 0;
      let t = Math.imul(a ^ (a >>> 15), 1 | a);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const state = {};
    for (const [name, { shape, values }] of Object.entries(copied)) {
      const fresh = new values.constructor(values.length);
      if (shape.length > 1) {
        const bound = 1 / Math.sqrt(values.length / shape[0]);
        for (let i = 0; i < fresh.length; i++) fresh[i] = (2 * random() - 1) * bound;
      } else if (name.endsWith("running_var") || /bn\d?\.weight|shortcut\.1\.weight/.test(name)) {
        fresh.fill(1);
      }
      state[name] = { shape, values: fresh };
    }
    return state;
  };

  // --- Backward ---------------------------------------------------------------------------------

  const emptySlope = (layer) => ({
    weight: new Float32Array(layer.weight.length), bias: new Float32Array(layer.bias.length),
  });

  Lab.emptySlopes = function (folded, stages) {
    return Object.fromEntries(stages.map((s) => [s, folded[s].map(emptySlope)]));
  };

  const masked = (gradient, out) => gradient.map((g, i) => (out[i] > 0 ? g : 0));

  function stageBack(layers, step, gradient, slopes, wantInput) {
    const through = masked(gradient, step.out);
    if (layers.length === 1)
      return Lab.convolveBack(layers[0], step.cols, through, step.size, slopes[0], wantInput);
    const [one, two, short] = layers;
    const middle = Math.floor((step.size - 1) / one.stride) + 1;
    let inner = Lab.convolveBack(two, step.second.cols, through, middle, slopes[1], true);
    inner = masked(inner, step.first.out);
    const back = Lab.convolveBack(one, step.first.cols, inner, step.size, slopes[0], wantInput);
    const side = short
      ? Lab.convolveBack(short, step.side.cols, through, step.size, slopes[2], wantInput)
      : through;
    if (wantInput) for (let i = 0; i < back.length; i++) back[i] += side[i];
    return back;
  }

  // `trace` is what `Lab.run` noted for `stages`; `gradient` that of the pooled features.
  Lab.back = function (folded, stages, trace, gradient, slopes) {
    const area = trace[trace.length - 1].out.length / Lab.FEATURES;
    let g = new Float32Array(Lab.FEATURES * area);
    for (let i = 0; i < g.length; i++) g[i] = gradient[Math.floor(i / area)] / area;
    for (let s = stages.length - 1; s >= 0; s--)
      g = stageBack(folded[stages[s]], trace[s], g, slopes[stages[s]], s > 0);
  };

  // From the slopes of folded layers to those of PyTorch's parameters, by the chain rule.
  Lab.unfoldSlopes = function (state, stage, layers, slopes) {
    const result = {};
    layers.forEach((layer, place) => {
      const name = (part) => `stages.${stage}.${part}`;
      const w = state[name(`${layer.conv}.weight`)].values;
      const gamma = state[name(`${layer.bn}.weight`)].values;
      const mean = state[name(`${layer.bn}.running_mean`)].values;
      const inner = w.length / layer.into;
      const weight = new Float32Array(w.length), scale = new Float32Array(layer.into);
      for (let r = 0; r < layer.into; r++) {
        let dot = 0;
        for (let k = r * inner; k < (r + 1) * inner; k++) {
          weight[k] = slopes[place].weight[k] * gamma[r] * layer.root[r];
          dot += slopes[place].weight[k] * w[k];
        }
        scale[r] = (dot - slopes[place].bias[r] * mean[r]) * layer.root[r];
      }
      result[name(`${layer.conv}.weight`)] = weight;
      result[name(`${layer.bn}.weight`)] = scale;
      result[name(`${layer.bn}.bias`)] = slopes[place].bias;
    });
    return result;
  };
});

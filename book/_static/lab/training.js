// Training the stages right of the freeze boundary together with the head, by Adam (Kingma and Ba
// 2015). What lies left of the boundary is computed once. BatchNorm keeps its statistics.
Lab.define("training", function (Lab) {
  "use strict";

  const BATCH = 16;

  // Mean loss over a batch and its slopes, by PyTorch's parameter names. `inputs` are what
  // crosses the boundary; `stages` the names right of it, without the head.
  Lab.batchSlopes = function (state, folded, head, stages, after, inputs, labels) {
    const slopes = Lab.emptySlopes(folded, stages);
    const { classes, width, flat } = head;
    const slope = new Float64Array(flat.length);
    let loss = 0;
    inputs.forEach((x, i) => {
      const trace = [];
      const features = Lab.pool(Lab.run(folded, x, { after, trace }));
      const p = Lab.softmax(Lab.headScores(head, features));
      loss -= Math.log(Math.max(p[labels[i]], 1e-300)) / inputs.length;
      const gradient = new Float32Array(width);
      for (let c = 0; c < classes; c++) {
        const error = (p[c] - (c === labels[i] ? 1 : 0)) / inputs.length;
        for (let k = 0; k < width; k++) {
          slope[c * width + k] += error * features[k];
          gradient[k] += error * flat[c * width + k];
        }
        slope[classes * width + c] += error;
      }
      if (stages.length) Lab.back(folded, stages, trace, gradient, slopes);
    });
    const result = {};
    for (const stage of stages)
      Object.assign(result, Lab.unfoldSlopes(state, stage, folded[stage], slopes[stage]));
    return { loss, slopes: result, head: slope };
  };

  class Adam {
    constructor(rate) {
      this.rate = rate;
      this.steps = 0;
      this.memory = new Map();
    }
    update(name, values, slope) {
      if (!this.memory.has(name))
        this.memory.set(name, [new Float64Array(values.length), new Float64Array(values.length)]);
      const [mean, square] = this.memory.get(name);
      const a = 1 - 0.9 ** this.steps, b = 1 - 0.999 ** this.steps;
      for (let i = 0; i < values.length; i++) {
        mean[i] = 0.9 * mean[i] + 0.1 * slope[i];
        square[i] = 0.999 * square[i] + 0.001 * slope[i] * slope[i];
        values[i] -= (this.rate * (mean[i] / a)) / (Math.sqrt(square[i] / b) + 1e-8);
      }
    }
  }

  // Trains in place, and calls `note(step, loss)` after each step; a truthy answer stops it. Each
  // class comes as often as it has examples, in an order that `seed` fixes.
  Lab.train = function (state, head, after, inputs, labels, { steps, rate, note = null }) {
    const stages = Lab.STAGES.slice(after === null ? 0 : Lab.STAGES.indexOf(after) + 1, -1);
    const folded = Lab.foldNetwork(state);
    const adam = new Adam(rate);
    let order = [], seed = 1;
    for (let step = 1; step <= steps; step++) {
      const batch = [];
      while (batch.length < Math.min(BATCH, inputs.length)) {
        if (!order.length) order = shuffled(inputs.length, seed++);
        batch.push(order.pop());
      }
      const found = Lab.batchSlopes(state, folded, head, stages, after,
        batch.map((i) => inputs[i]), batch.map((i) => labels[i]));
      adam.steps = step;
      // Small first, then the full rate, then smaller and smaller: few steps have to be enough.
      adam.rate = rate * Math.min(1, step / (0.2 * steps), (1.05 * steps - step) / (0.5 * steps));
      for (const [name, slope] of Object.entries(found.slopes))
        adam.update(name, state[name].values, slope);
      adam.update("head", head.flat, found.head);
      for (const stage of stages) folded[stage] = Lab.foldStage(state, stage);
      if (note?.(step, found.loss)) break;
    }
    return folded;
  };

  function shuffled(count, seed) {
    const order = [...Array(count).keys()];
    let a = seed * 2654435761;
    for (let i = count - 1; i > 0; i--) {
      a = (Math.imul(a, 1664525) + 1013904223) >>> 0;
      const j = a % (i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
});

// A linear head, solved exactly: softmax regression by L-BFGS (Liu and Nocedal 1989).
Lab.define("head", function (Lab) {
  "use strict";

  const MEMORY = 10;
  const MOST_ITERATIONS = 300;

  const dot = (a, b) => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
    return sum;
  };

  // Mean cross-entropy plus decay / 2 times the squared weights (the biases are free), and its
  // slope. `flat` holds the weights, a row a class, and then the biases.
  Lab.headLoss = function (flat, inputs, labels, classes, decay) {
    const width = inputs[0].length, n = inputs.length;
    const slope = new Float64Array(flat.length);
    let loss = 0;
    for (let k = 0; k < classes * width; k++) {
      loss += (decay / 2) * flat[k] * flat[k];
      slope[k] = decay * flat[k];
    }
    for (let i = 0; i < n; i++) {
      const p = Lab.softmax(scores(flat, inputs[i], classes));
      loss -= Math.log(Math.max(p[labels[i]], 1e-300)) / n;
      for (let c = 0; c < classes; c++) {
        const error = (p[c] - (c === labels[i] ? 1 : 0)) / n;
        for (let k = 0; k < width; k++) slope[c * width + k] += error * inputs[i][k];
        slope[classes * width + c] += error;
      }
    }
    return { loss, slope };
  };

  function scores(flat, x, classes) {
    const width = x.length, result = new Float64Array(classes);
    for (let c = 0; c < classes; c++) {
      let sum = flat[classes * width + c];
      for (let k = 0; k < width; k++) sum += flat[c * width + k] * x[k];
      result[c] = sum;
    }
    return result;
  }

  Lab.softmax = function (logits) {
    const most = Math.max(...logits);
    const shares = logits.map((v) => Math.exp(v - most));
    const sum = shares.reduce((a, b) => a + b);
    return shares.map((v) => v / sum);
  };

  Lab.solveHead = function (inputs, labels, classes, decay = 1e-3) {
    let flat = new Float64Array(classes * (inputs[0].length + 1));
    let now = Lab.headLoss(flat, inputs, labels, classes, decay);
    const past = [];
    let iteration = 0;
    for (; iteration < MOST_ITERATIONS && Math.max(...now.slope.map(Math.abs)) > 1e-6; iteration++) {
      const step = direction(now.slope, past);
      const along = dot(step, now.slope);
      let length = past.length ? 1 : Math.min(1, 1 / Math.sqrt(dot(step, step)));
      let tried = null, next = null;
      for (let halvings = 0; halvings < 30; halvings++, length /= 2) {
        tried = flat.map((v, i) => v + length * step[i]);
        next = Lab.headLoss(tried, inputs, labels, classes, decay);
        if (next.loss <= now.loss + 1e-4 * length * along) break;
      }
      if (!(next.loss < now.loss)) break;
      const moved = tried.map((v, i) => v - flat[i]);
      const turned = next.slope.map((v, i) => v - now.slope[i]);
      if (dot(moved, turned) > 1e-14) past.push([moved, turned]);
      if (past.length > MEMORY) past.shift();
      [flat, now] = [tried, next];
    }
    return { flat, classes, width: inputs[0].length, loss: now.loss, iterations: iteration };
  };

  // The slope, turned and stretched by what the last steps have shown of the curvature.
  function direction(slope, past) {
    const q = slope.map((v) => -v);
    const shares = [];
    for (let i = past.length - 1; i >= 0; i--) {
      const [moved, turned] = past[i];
      shares[i] = dot(moved, q) / dot(moved, turned);
      for (let k = 0; k < q.length; k++) q[k] -= shares[i] * turned[k];
    }
    if (past.length) {
      const [moved, turned] = past[past.length - 1];
      const scale = dot(moved, turned) / dot(turned, turned);
      for (let k = 0; k < q.length; k++) q[k] *= scale;
    }
    past.forEach(([moved, turned], i) => {
      const back = shares[i] - dot(turned, q) / dot(moved, turned);
      for (let k = 0; k < q.length; k++) q[k] += back * moved[k];
    });
    return q;
  }

  Lab.headScores = (head, x) => scores(head.flat, x, head.classes);

  Lab.accuracy = function (head, inputs, labels) {
    let right = 0;
    inputs.forEach((x, i) => {
      const s = Lab.headScores(head, x);
      right += s.indexOf(Math.max(...s)) === labels[i];
    });
    return right / inputs.length;
  };
});

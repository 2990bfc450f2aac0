// Beside the page: the features of the held-out digits, and heads that learn from the examples.
Lab.define("worker", function (Lab) {
  "use strict";
  if (typeof WorkerGlobalScope === "undefined") return;

  const post = (message) => postMessage(message);
  let nets, held, heldLabels, heads = {}, waiting = null;
  const features = { copied: [], random: [], pixels: [] };

  function look(start, x) {
    return start === "pixels" ? x : Lab.pool(Lab.run(nets[start], x));
  }

  function begin({ copied, random, pictures, labels }) {
    nets = { copied: Lab.foldNetwork(copied), random: Lab.foldNetwork(random) };
    held = pictures.map(Lab.normalise);
    heldLabels = labels;
    features.pixels = held;
    advance();
  }

  // A few held-out digits, then a look at what else is to be done.
  function advance() {
    const start = ["copied", "random"].find((name) => features[name].length < held.length);
    if (start) {
      const from = features[start].length;
      for (const x of held.slice(from, from + 10)) features[start].push(look(start, x));
      if (features[start].length % 50 === 0) judge(start);
    }
    if (start) setTimeout(advance);
  }

  function judge(start) {
    const known = features[start];
    const head = heads[start];
    const accuracy = head && known.length ? Lab.accuracy(head, known, heldLabels) : null;
    post({ kind: "judged", start, accuracy, of: known.length, all: held.length,
      examples: head?.examples ?? 0, lesson: head?.lesson ?? 0 });
  }

  const cache = new Map();

  function teach({ items, lesson }) {
    for (const start of ["copied", "random", "pixels"]) {
      if (!items.length) {
        heads = {};
        continue;
      }
      const inputs = items.map(({ id, pixels }) => {
        const key = `${start} ${id}`;
        if (!cache.has(key)) cache.set(key, look(start, Lab.normalise(pixels)));
        return cache.get(key);
      });
      const began = performance.now();
      const head = Lab.solveHead(inputs, items.map((item) => item.label), 10);
      heads[start] = { ...head, examples: items.length, lesson };
      post({ kind: "taught", start, head, lesson, milliseconds: performance.now() - began });
      judge(start);
    }
  }

  // In a worker of its own, so that the page can end it.
  function train({ state, head, after, items, steps, rate, pictures, labels }) {
    const folded = Lab.foldNetwork(state);
    const before = (x) => (after === null ? x : Lab.run(folded, x, { through: after }));
    const inputs = items.map(({ pixels }) => before(Lab.normalise(pixels)));
    const began = performance.now();
    const note = (step, loss) => void post({ kind: "step", step, steps, loss });
    const learned = Lab.train(state, head, after, inputs, items.map((i) => i.label),
      { steps, rate, note });
    const seconds = (performance.now() - began) / 1000;
    let right = 0;
    pictures.forEach((picture, i) => {
      const scores = Lab.headScores(head, Lab.pool(Lab.run(learned, Lab.normalise(picture))));
      right += scores.indexOf(Math.max(...scores)) === labels[i];
      if ((i + 1) % 25 === 0)
        post({ kind: "checked", accuracy: right / (i + 1), of: i + 1, all: pictures.length });
    });
    post({ kind: "trained", state, head, seconds, accuracy: right / pictures.length });
  }

  onmessage = ({ data }) => {
    if (data.kind === "begin") begin(data);
    if (data.kind === "train") train(data);
    if (data.kind === "teach") {
      clearTimeout(waiting); // of several changes in a row the last one counts
      waiting = setTimeout(teach, 0, data);
    }
  };
});

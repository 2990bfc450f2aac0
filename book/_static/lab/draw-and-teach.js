// The page "Draw and teach": what is drawn, chosen and switched, and what is shown of it.
(async function () {
  "use strict";

  const $ = (id) => document.getElementById(`lab-${id}`);
  const lacks = Lab.missing();
  if (lacks.length || !globalThis.LabData?.network || !globalThis.LabData?.digits) {
    $("trouble").textContent = lacks.length
      ? `This browser lacks ${lacks.join(", ")}, which the lab needs. A newer one has it.`
      : "The lab's data is missing beside this page: build the book with `make book`.";
    $("trouble").hidden = false;
    return;
  }

  const copied = Lab.readSafetensors(Lab.bytes(LabData.network));
  const random = Lab.randomState(copied, 1);
  const all = Lab.pictures(await Lab.unpack(LabData.digits));
  const CHOICE = 60; // the first are to choose from, the others are held out; 0 to 9 in turn
  const pool = all.slice(0, CHOICE), held = all.slice(CHOICE);
  const heldLabels = held.map((_, i) => i % 10);
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt";

  const starts = { copied, random };
  const nets = { copied: Lab.foldNetwork(copied), random: Lab.foldNetwork(random) };
  const heads = {}; // by start, and of what was trained by "copied trainable", ...
  const trained = {}; // by way: {state, folded, head, boundary}
  const scores = Object.fromEntries(Object.keys(Lab.WAYS).map((way) => [way, new Map()]));
  const chosen = new Set(); // places in the pool
  const own = []; // {id, label, pixels}
  let seen = null, meant = null; // the picture, and what a borrowed one shows
  let ownCount = 0, trainer = null;
  let lesson = 0; // counts the changes of the examples: what came of earlier ones is out of date

  const worker = Lab.startWorker(["convolution", "network", "head", "training", "worker"]);
  const percent = (share) => `${Math.round(100 * share)} %`;
  const start = () => document.querySelector("[name=lab-start]:checked").value;
  const boundary = () => Number($("boundary").value);
  const way = () => `${start()} ${boundary() === 4 ? "frozen" : "trainable"}`;
  const learned = () => { // what was trained as the switches stand, or nothing
    const own = trained[way()];
    return own?.boundary === boundary() ? own : undefined;
  };
  const items = () => [
    ...[...chosen].sort((a, b) => a - b)
      .map((place) => ({ id: `pool ${place}`, label: place % 10, pixels: pool[place] })),
    ...own,
  ];

  // --- Draw -------------------------------------------------------------------------------------

  const pen = new Lab.Pen($("canvas"), (strokes) => show(strokes.length ? Lab.rasterise(strokes) : null),
    (words) => { penWords.textContent = words; });
  const penWords = document.createElement("p");
  penWords.setAttribute("role", "status");
  $("canvas").after(penWords);

  for (const stage of Lab.STAGES.slice(0, -1)) {
    const figure = document.createElement("figure");
    figure.innerHTML = `<figcaption><b>${stage}</b> ${Lab.SIDES[stage]}×${Lab.SIDES[stage]}</figcaption>`;
    const canvas = Object.assign(document.createElement("canvas"), { id: `lab-maps-${stage}` });
    canvas.setAttribute("role", "img");
    figure.append(canvas);
    $("maps").append(figure);
  }

  function show(pixels, label = null) {
    [seen, meant] = [pixels, label];
    const current = learned() ?? { folded: nets[start()], head: heads[start()] };
    const maps = {};
    const features = Lab.pool(Lab.run(current.folded, Lab.normalise(pixels ?? new Uint8Array(784)), { maps }));
    Lab.paintDigit($("seen"), pixels ?? new Uint8Array(784));
    for (const stage of Object.keys(maps)) {
      const canvas = $(`maps-${stage}`);
      const best = Lab.paintMaps(canvas, maps[stage], Lab.CHANNELS[stage]);
      canvas.setAttribute("aria-label", `Strongest feature maps of ${stage}: channels ${best.join(", ")}`);
    }
    $("seen").setAttribute("aria-label", pixels ? "What the network sees of it" : "What the network sees: nothing yet");
    $("answer").setAttribute("aria-busy", pen.drawing); // said once the stroke has ended
    $("answer").textContent = pixels ? answer(current.head, features)
      : "Draw something: the network answers with every stroke.";
    if (meant !== null) $("answer").textContent += ` Its writer meant ${meant}.`;
    // A borrowed digit is held out, so it must not become an example.
    for (const button of $("names").children) button.disabled = !pixels || meant !== null;
  }

  function answer(head, features) {
    if (!head && start() === "random")
      return "A random network without examples: it can say nothing yet.";
    const output = (part) => copied[`stages.head.output.${part}`].values;
    const logits = head ? Lab.headScores(head, features)
      : Lab.linear(output("weight"), output("bias"), features);
    const shares = Lab.softmax(logits);
    const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a]);
    const name = (i) => (head ? i : LETTERS[i]);
    return `${head ? "I read" : "I know letters only, and see"} ${name(order[0])} ` +
      `(${percent(shares[order[0]])}), then ${name(order[1])} (${percent(shares[order[1]])}).`;
  }

  $("clear").onclick = () => pen.clear();
  $("undo").onclick = () => pen.undo();
  let borrowed = 7;
  $("borrow").onclick = () => {
    pen.clear();
    borrowed = (borrowed + 13) % held.length;
    const pixels = held[borrowed];
    requestAnimationFrame(() => requestAnimationFrame(() => show(pixels, borrowed % 10)));
  };

  // --- Teach ------------------------------------------------------------------------------------

  for (let digit = 0; digit < 10; digit++) {
    const row = document.createElement("div");
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", `Handwritten ${digit}`);
    row.innerHTML = `<b aria-hidden="true">${digit}</b>`;
    for (let turn = 0; turn < CHOICE / 10; turn++) {
      const place = turn * 10 + digit;
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "lab-thumb" });
      button.setAttribute("aria-label", `${digit}, example ${turn + 1}`);
      button.setAttribute("aria-pressed", "false");
      button.append(Lab.digitCanvas(pool[place]));
      button.onclick = () => {
        if (!chosen.delete(place)) chosen.add(place);
        examplesChanged();
      };
      row.append(button);
    }
    $("pool").append(row);
    const name = Object.assign(document.createElement("button"), { type: "button", textContent: digit, disabled: true });
    name.setAttribute("aria-label", `My drawing is ${digit === 8 ? "an" : "a"} ${digit}`);
    name.onclick = () => {
      own.push({ id: `own ${ownCount++}`, label: digit, pixels: seen });
      pen.clear();
      examplesChanged();
    };
    $("names").append(name);
  }
  for (const button of document.querySelectorAll("[data-take]"))
    button.onclick = () => {
      chosen.clear();
      for (let place = 0; place < 10 * button.dataset.take; place++) chosen.add(place);
      examplesChanged();
    };

  function examplesChanged() {
    [...document.querySelectorAll("#lab-pool > div")].forEach((row, digit) =>
      row.querySelectorAll("button").forEach((button, turn) =>
        button.setAttribute("aria-pressed", chosen.has(turn * 10 + digit))));
    $("own").replaceChildren(...own.map((item) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "lab-thumb" });
      button.setAttribute("aria-label", `Remove my drawing of ${item.label}`);
      button.append(Lab.digitCanvas(item.pixels), `${item.label} ×`);
      button.onclick = () => {
        const place = own.indexOf(item);
        own.splice(place, 1);
        examplesChanged();
        ($("own").children[Math.min(place, own.length - 1)] ?? $("clear")).focus();
      };
      return button;
    }));
    $("own-count").textContent = own.length
      ? `${own.length} of your drawings ${own.length > 1 ? "are" : "is"} among the examples. Press one to remove it.`
      : "No drawing of yours is among the examples.";
    for (const name of Object.keys(heads)) delete heads[name];
    for (const name of Object.keys(trained)) delete trained[name];
    $("score").textContent = items().length ? "Learning …" : "No examples yet.";
    worker.postMessage({ kind: "teach", items: items(), lesson: ++lesson });
    refresh();
    plan();
  }

  const progress = {};
  worker.onmessage = ({ data }) => {
    if (data.kind === "taught" && data.lesson === lesson) {
      heads[data.start] = data.head;
      if (data.start === start() && seen) show(seen, meant);
      refresh();
    }
    if (data.kind !== "judged") return;
    progress[data.start] = data.of;
    const done = Math.min(progress.copied ?? 0, progress.random ?? 0);
    $("progress").textContent = done < data.all
      ? `Looking at held-out digits: ${progress.copied ?? 0} of ${data.all} by the copied network, ${progress.random ?? 0} by the random one.`
      : `Judged by ${data.all} held-out digits. A constant guess gets 10 %.`;
    if (data.accuracy === null || data.lesson !== lesson) return;
    const name = data.start === "pixels" ? "pixels" : `${data.start} frozen`;
    if (data.of === data.all) scores[name].set(data.examples, data.accuracy);
    if (data.start === "copied") tell(data);
    refresh();
  };
  worker.onerror = (event) => trouble(event.message);

  function tell({ accuracy, of, examples }) {
    $("score").textContent = `With ${examples} example${examples > 1 ? "s" : ""} the copied, frozen network reads ` +
      `${percent(accuracy)} of ${of} held-out digits.`;
  }

  function trouble(words) {
    $("trouble").textContent = `Something went wrong in the page: ${words}. Load it again.`;
    $("trouble").hidden = false;
  }

  // --- Compare ----------------------------------------------------------------------------------

  function refresh() {
    const frozen = boundary();
    const roles = Lab.STAGES.map((stage, place) => {
      if (place === 4) return "new";
      if (place < frozen) return start() === "copied" ? "frozen" : "idle";
      return start() === "copied" ? "fine-tuned" : "new";
    });
    $("row").innerHTML = roles.map((role, place) =>
      `${place === frozen ? '<i class="lab-bar"></i>' : ""}<span class="lab-stage ${role}">${Lab.STAGES[place]}</span>`).join("");
    $("boundary").setAttribute("aria-valuetext", inWords(frozen));
    document.querySelector(`[name=lab-change][value=${frozen === 4 ? "frozen" : "trainable"}]`).checked = true;
    const current = learned() ?? heads[start()];
    $("train").disabled = frozen === 4 || !heads[start()] || Boolean(trainer);
    $("save").disabled = !current;
    Lab.drawChart($("chart"), scores);
    $("table").innerHTML = Object.entries(scores).flatMap(([name, line]) =>
      [...line].sort((a, b) => a[0] - b[0]).map(([n, share]) =>
        `<tr><th scope="row">${Lab.WAYS[name].words}</th><td>${n}</td><td>${percent(share)}</td></tr>`)).join("");
  }

  const inWords = (frozen) => frozen === 4 ? "everything before the head is frozen"
    : frozen === 0 ? "nothing is frozen" : `frozen through ${Lab.STAGES[frozen - 1]}`;

  // What training would do. Only what the reader changes asks for it: what is judged meanwhile must
  // not wipe out how the last training ended.
  function plan() {
    const frozen = boundary(), words = inWords(frozen);
    if (!trainer)
      $("training").textContent = frozen === 4
        ? "All is frozen: there is nothing to train but the head, and it is trained already."
        : `${words[0].toUpperCase()}${words.slice(1)}: ${4 - frozen} stage${frozen === 3 ? "" : "s"} and the head will learn.`;
  }

  function changed() {
    refresh();
    plan();
    show(seen, meant);
  }

  for (const radio of document.querySelectorAll("[name=lab-start]")) radio.onchange = changed;
  for (const radio of document.querySelectorAll("[name=lab-change]"))
    radio.onchange = () => {
      $("boundary").value = radio.value === "frozen" ? 4 : Math.min(3, boundary());
      changed();
    };
  $("boundary").oninput = changed;

  const clone = (state) => Object.fromEntries(Object.entries(state)
    .map(([name, { shape, values }]) => [name, { shape, values: values.slice() }]));

  $("train").onclick = () => {
    const name = way(), from = start(), frozen = boundary(), examples = items(), begun = lesson;
    trainer = Lab.startWorker(["convolution", "network", "head", "training", "worker"]);
    trainer.onerror = (event) => {
      endTraining();
      trouble(event.message);
    };
    trainer.onmessage = ({ data }) => {
      if (data.kind === "step" && data.step % 5 === 0)
        $("training").textContent = `Step ${data.step} of ${data.steps}: loss ${data.loss.toFixed(3)}.`;
      if (data.kind === "checked")
        $("training").textContent = `Trained. So far ${percent(data.accuracy)} of ${data.of} held-out digits are right.`;
      if (data.kind === "trained") {
        endTraining();
        scores[name].set(examples.length, data.accuracy);
        if (begun === lesson)
          trained[name] = { state: data.state, folded: Lab.foldNetwork(data.state), head: data.head, boundary: frozen };
        refresh();
        show(seen, meant);
        $("training").textContent = `Trained in ${data.seconds.toFixed(0)} s: ${percent(data.accuracy)} of ${held.length} held-out digits are right` +
          `${scores[`${from} frozen`].has(examples.length) ? `, against ${percent(scores[`${from} frozen`].get(examples.length))} with all frozen` : ""}.`;
      }
    };
    trainer.postMessage({ kind: "train", state: clone(starts[from]), head: heads[from], steps: 60,
      after: frozen ? Lab.STAGES[frozen - 1] : null, rate: from === "copied" ? 2e-3 : 5e-3,
      items: examples, pictures: held, labels: heldLabels });
    $("stop").hidden = false;
    $("stop").focus();
    refresh();
    $("training").textContent = "Training …";
  };

  function endTraining() {
    trainer?.terminate();
    trainer = null;
    if (document.activeElement === $("stop")) setTimeout(() => $("train").focus());
    $("stop").hidden = true;
  }

  $("stop").onclick = () => {
    endTraining();
    refresh();
    $("training").textContent = "Stopped. Nothing was changed.";
  };

  // --- Take it along ----------------------------------------------------------------------------

  Lab.learned = function () {
    const { state, head } = learned() ?? { state: starts[start()], head: heads[start()] };
    return Lab.writeSafetensors(Lab.withHead(state, head), Lab.about([..."0123456789"]));
  };

  $("save").onclick = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(Lab.learned());
    link.download = "digits-from-the-lab.safetensors";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    $("saved").textContent = "Saved as digits-from-the-lab.safetensors. Put it beside your notebook, and run this cell.";
  };
  $("copy").onclick = async () => {
    try {
      await navigator.clipboard.writeText($("cell").textContent);
      $("saved").textContent = "The cell is on the clipboard.";
    } catch {
      getSelection().selectAllChildren($("cell"));
      $("saved").textContent = "The browser keeps its clipboard closed: the cell is selected, copy it yourself.";
    }
  };

  document.getElementById("lab").hidden = false;
  changed();
  worker.postMessage({ kind: "begin", copied, random, pictures: held, labels: heldLabels });
  Lab.ready = true;
})();

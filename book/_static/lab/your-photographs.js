// The page "Your own photographs": a frozen MobileNetV2, and a head for the reader's own classes.
(function () {
  "use strict";

  const $ = (id) => document.getElementById(`photo-${id}`);
  const FOLDER = new URL("photographs/", document.currentScript.src).href;
  const NAMES = ["first", "second", "third", "fourth", "fifth"], DECAY = 1e-2;
  const CELL = (count) => `import tl_teach as tl
from tl_teach.networks.safetensors import load_safetensors

net = tl.replace_head(tl.load_network("mobilenet_v2", image_size=160), ${count})
net.load_state_dict(load_safetensors("head-from-the-lab.safetensors"), strict=False)
tl.show_network(tl.freeze(net))`;
  const classes = []; // {name, items: [{canvas, features}], box, list}
  let session = null, head = null, last = null, stream = null;
  let asked = null; // features of the photograph that was asked about

  const say = (words) => { $("status").textContent = words; };
  const percent = (share) => `${Math.round(100 * share)} %`;

  function trouble(words) {
    $("trouble").textContent = words;
    $("trouble").hidden = false;
  }

  document.getElementById("photo").hidden = false;
  if (location.protocol === "file:") {
    trouble("This page fetches a network, which a page opened from a folder may not do. Serve the book instead: python -m http.server, in the folder _build/html. Draw and teach works from a folder.");
    $("load").disabled = true;
  } else if (typeof WebAssembly === "undefined" || typeof createImageBitmap === "undefined") {
    trouble("This browser lacks WebAssembly or createImageBitmap, which the page needs. A newer one has them.");
    $("load").disabled = true;
  }

  // --- Loading ----------------------------------------------------------------------------------

  async function fetchParts(names) {
    const answers = await Promise.all(names.map((name) => fetch(FOLDER + name)));
    if (answers.some((answer) => !answer.ok)) throw new Error("absent");
    let done = 0;
    const all = answers.reduce((sum, answer) => sum + Number(answer.headers.get("content-length")), 0);
    return Promise.all(answers.map(async (answer) => {
      const chunks = [];
      for (const reader = answer.body.getReader(); ;) {
        const { done: end, value } = await reader.read();
        if (end) break;
        chunks.push(value);
        done += value.length;
        $("progress").value = all ? Math.min(1, done / all) : 0;
      }
      return new Uint8Array(await new Blob(chunks).arrayBuffer());
    }));
  }

  const loadScript = (address) => new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: resolve });
    script.onerror = () => reject(new Error("absent"));
    document.head.append(script);
  });

  $("load").onclick = async () => {
    $("load").disabled = true;
    say("Loading the network …");
    try {
      const [network, program] = await fetchParts(["mobilenet-features.onnx", "ort-wasm-simd-threaded.wasm"]);
      await loadScript(`${FOLDER}ort.wasm.min.js`);
      ort.env.wasm.numThreads = 1; // more would need headers that a plain server does not send
      ort.env.wasm.wasmPaths = { mjs: `${FOLDER}ort-wasm-simd-threaded.mjs` };
      ort.env.wasm.wasmBinary = program.buffer;
      session = await ort.InferenceSession.create(network);
      await look(Object.assign(document.createElement("canvas"), { width: 160, height: 160 }));
    } catch (error) {
      $("load").disabled = false;
      say("Not loaded.");
      trouble(error.message === "absent"
        ? "The network is not beside this page: it is made by `make lab`, which this copy of the book has not run."
        : `The network could not be loaded (${error.message}). Try again, perhaps in another browser.`);
      return;
    }
    $("trouble").hidden = true;
    $("start").hidden = true;
    $("lab").hidden = false;
    addClass();
    addClass();
    say("The network is loaded. From here on the page needs no connection.");
  };

  async function look(canvas) {
    const size = Lab.PHOTO_SIZE;
    const pictures = new ort.Tensor("float32", Lab.channels(canvas), [1, 3, size, size]);
    const { features } = await session.run({ pictures });
    return Float32Array.from(features.data);
  }
  Lab.lookAtPhotograph = look;

  // --- Classes ----------------------------------------------------------------------------------

  function addClass() {
    const name = NAMES.find((free) => classes.every((other) => other.name !== free)) ?? "another";
    const one = { name, items: [], box: document.createElement("fieldset") };
    one.box.innerHTML = `<legend></legend><label>Name <input type="text" maxlength="30"></label>
      <div class="lab-buttons"><label class="lab-file">Photographs <input type="file" accept="image/*" multiple></label>
      <button type="button">Remove this class</button></div>
      <div class="lab-own"></div>`;
    const [text, files] = one.box.querySelectorAll("input");
    classes.push(one);
    text.value = name;
    text.oninput = () => {
      one.name = text.value.trim() || one.box.querySelector("legend").textContent.toLowerCase();
      answer();
    };
    one.box.querySelector("button").onclick = () => remove(one);
    files.onchange = async () => {
      await take(one, [...files.files]);
      files.value = "";
    };
    one.box.addEventListener("focusin", () => { last = one; });
    one.box.addEventListener("pointerdown", () => { last = one; });
    acceptDrops(one.box, (dropped) => take(one, dropped));
    last ??= one;
    $("classes").append(one.box);
    numbered();
    learn();
  }
  $("add").onclick = addClass;

  function remove(one) {
    classes.splice(classes.indexOf(one), 1);
    one.box.remove();
    if (last === one) last = classes[0];
    numbered();
    learn();
    say(`${one.name} is removed, with its ${counted(one.items.length)}.`);
    $("add").focus();
  }

  // Two classes are the fewest to tell apart.
  function numbered() {
    classes.forEach((one, place) => {
      one.box.querySelector("legend").textContent = `Class ${place + 1}`;
      one.box.querySelector("button").hidden = classes.length < 3;
    });
    $("add").disabled = classes.length >= NAMES.length;
  }

  const counted = (count) => `${count} photograph${count === 1 ? "" : "s"}`;

  async function take(one, files) {
    const refused = [];
    for (const [i, file] of files.entries()) {
      say(`Looking at picture ${i + 1} of ${files.length} …`);
      try {
        await keep(one, await Lab.openPicture(file));
      } catch (error) {
        if (!(error instanceof Lab.PictureError)) throw error;
        refused.push(error.message);
      }
    }
    if (!classes.includes(one)) return;
    say(refused.join(" ") || `${one.name} has ${counted(one.items.length)} now.`);
    learn();
  }

  async function keep(one, canvas) {
    const item = { canvas, features: await look(canvas) };
    if (!classes.includes(one)) return; // removed meanwhile
    one.items.push(item);
    const button = Object.assign(document.createElement("button"), { type: "button", className: "lab-thumb lab-photo" });
    button.setAttribute("aria-label", `Remove photograph ${one.items.length} of this class`);
    button.append(canvas);
    button.onclick = () => {
      one.items.splice(one.items.indexOf(item), 1);
      (button.nextElementSibling ?? button.previousElementSibling ?? one.box.querySelector("input")).focus();
      button.remove();
      say(`${one.name} has ${counted(one.items.length)} now.`);
      learn();
    };
    one.box.querySelector(".lab-own").append(button);
  }

  function acceptDrops(element, use) {
    element.addEventListener("dragover", (event) => event.preventDefault());
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      use([...event.dataTransfer.files]);
    });
  }
  // Or else the browser would leave the page, and everything with it, to show the file.
  acceptDrops(document.documentElement, () => {
    if (session) say("Drop pictures on one of the classes, or where you ask.");
  });

  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (session && last && files.length) take(last, files);
  });

  // --- Learning and asking ----------------------------------------------------------------------

  function learn() {
    const inputs = classes.flatMap((one) => one.items.map((item) => item.features));
    const labels = classes.flatMap((one, label) => one.items.map(() => label));
    const filled = classes.filter((one) => one.items.length).length;
    head = filled === classes.length ? Lab.solveHead(inputs, labels, classes.length, DECAY) : null;
    $("save").disabled = !head;
    $("cell").textContent = CELL(classes.length);
    $("score").textContent = head ? score(inputs, labels)
      : "Give each class at least one photograph.";
    answer();
  }

  function score(inputs, labels) {
    const few = classes.some((one) => one.items.length < 2);
    const start = `A new head has learned ${classes.length} classes from ${inputs.length} photographs.`;
    if (few) return `${start} With two of each, it can be asked about those left out.`;
    const commonest = Math.max(...classes.map((one) => one.items.length)) / inputs.length;
    let right = 0;
    inputs.forEach((x, i) => {
      const others = inputs.filter((_, j) => j !== i);
      const without = Lab.solveHead(others, labels.filter((_, j) => j !== i), classes.length, DECAY);
      const scores = Lab.headScores(without, x);
      right += scores.indexOf(Math.max(...scores)) === labels[i];
    });
    return `${start} Leaving one out: ${right} of ${inputs.length} right; always the commonest class gets ${percent(commonest)}.`;
  }

  async function ask(canvas) {
    $("asked").replaceChildren(canvas);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "The photograph you ask about");
    const features = await look(canvas);
    if (!canvas.isConnected) return; // another one was asked about meanwhile
    asked = features;
    answer();
  }

  // The head may have changed since the question was asked.
  function answer() {
    if (!asked) return;
    const shares = head && Lab.softmax(Lab.headScores(head, asked));
    const order = head && [...shares.keys()].sort((a, b) => shares[b] - shares[a]);
    $("answer").textContent = head
      ? `${order.map((i) => `${classes[i].name} ${percent(shares[i])}`).join(", ")}.`
      : "Give each class at least one photograph first.";
  }

  async function askFile(file) {
    try {
      await ask(await Lab.openPicture(file));
    } catch (error) {
      if (!(error instanceof Lab.PictureError)) throw error;
      $("answer").textContent = error.message;
    }
  }
  $("question").onchange = () => $("question").files[0] && askFile($("question").files[0]);
  acceptDrops($("ask"), ([file]) => file && askFile(file));

  // --- Take it along ----------------------------------------------------------------------------

  // The head alone: the rest is in the library already.
  Lab.learnedHead = () => Lab.writeSafetensors(Lab.withHead({}, head), classes.map((one) => one.name));

  $("save").onclick = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(Lab.learnedHead());
    link.download = "head-from-the-lab.safetensors";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    $("saved").textContent = "Saved as head-from-the-lab.safetensors. Put it beside your notebook, and run this cell.";
  };

  // --- Camera -----------------------------------------------------------------------------------

  $("camera").onclick = async () => {
    $("camera").disabled = true; // a second stream could not be switched off
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (error) {
      $("answer").textContent = `The camera cannot be used here (${error.name ?? "not offered"}). Choose a file instead.`;
      $("camera").disabled = false;
      return;
    }
    $("video").srcObject = stream;
    await $("video").play();
    $("film").hidden = false;
    $("shoot").focus();
  };
  const still = () => Lab.middleSquare($("video"), $("video").videoWidth, $("video").videoHeight);
  $("shoot").onclick = () => ask(still());
  $("keep").onclick = async () => {
    const one = last;
    await keep(one, still());
    say(`${one.name} has ${counted(one.items.length)} now.`);
    learn();
  };
  $("off").onclick = () => {
    stream?.getTracks().forEach((track) => track.stop());
    $("film").hidden = true;
    $("camera").disabled = false;
    $("camera").focus();
  };
})();

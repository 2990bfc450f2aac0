// The lab's modules, without a framework: `Lab.define(name, body)` runs `body(Lab)` and keeps its
// text, from which a worker can be made. A page opened from a folder (file://) may not load a
// worker from a file, but it may from text that it holds already.
"use strict";

var Lab = globalThis.Lab || {};
globalThis.Lab = Lab;

Lab.bodies = {};

Lab.define = function (name, body) {
  Lab.bodies[name] = body;
  body(Lab);
};

Lab.startWorker = function (names) {
  const bodies = names.map((name) => `(${Lab.bodies[name]})(Lab);`);
  const text = ['"use strict"; const Lab = {};', ...bodies].join("\n");
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(address);
  return worker;
};

// What this browser would need and does not have, in words; empty if all is there.
Lab.missing = function () {
  const lacks = [];
  if (typeof Worker === "undefined") lacks.push("workers (scripts that run beside the page)");
  if (typeof DecompressionStream === "undefined") lacks.push("DecompressionStream (to unpack data)");
  if (typeof PointerEvent === "undefined") lacks.push("pointer events (to draw)");
  return lacks;
};

// Accuracy by number of examples, a line a way of learning, as SVG.
Lab.define("chart", function (Lab) {
  "use strict";

  // Colour, dash and shape carry the meaning together, as in the book's pictures.
  Lab.WAYS = {
    "copied frozen": { words: "copied, frozen", look: "frozen", shape: "circle" },
    "copied trainable": { words: "copied, trained", look: "fine-tuned", shape: "square" },
    "random frozen": { words: "random, frozen", look: "idle", shape: "cross" },
    "random trainable": { words: "random, trained", look: "new", shape: "triangle" },
    pixels: { words: "raw pixels", look: "pixels", shape: "diamond" },
  };
  const SHAPES = {
    circle: "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z",
    square: "M-5,-5h10v10h-10z",
    cross: "M-5,-5L5,5M-5,5L5,-5",
    triangle: "M0,-6L6,5H-6z",
    diamond: "M0,-7L6,0L0,7L-6,0z",
  };
  const LEFT = 62, RIGHT = 424, TOP = 14, BOTTOM = 250;

  function add(parent, tag, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text) element.textContent = text;
    parent.append(element);
    return element;
  }

  // `scores`: {way: Map(examples -> accuracy)}.
  Lab.drawChart = function (svg, scores) {
    svg.replaceChildren();
    const most = Math.max(10, ...Object.values(scores).flatMap((line) => [...line.keys()]));
    const x = (n) => LEFT + (n / most) * (RIGHT - LEFT);
    const y = (share) => BOTTOM - share * (BOTTOM - TOP);
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      add(svg, "line", { x1: LEFT, x2: RIGHT, y1: y(share), y2: y(share), class: "grid" });
      add(svg, "text", { x: LEFT - 8, y: y(share) + 5, class: "right" }, `${share * 100} %`);
    }
    add(svg, "line", { x1: LEFT, x2: RIGHT, y1: y(0.1), y2: y(0.1), class: "guess" });
    add(svg, "text", { x: RIGHT, y: y(0.1) - 5, class: "right" }, "a constant guess");
    for (const share of [0, 0.5, 1])
      add(svg, "text", { x: x(share * most), y: BOTTOM + 22, class: "middle" },
        `${Math.round(share * most)}`);
    add(svg, "text", { x: (LEFT + RIGHT) / 2, y: BOTTOM + 42, class: "middle" }, "examples");
    Object.entries(Lab.WAYS).forEach(([way, { words, look, shape }], place) => {
      const points = [...(scores[way] ?? [])].sort((a, b) => a[0] - b[0]);
      if (points.length > 1)
        add(svg, "polyline", { class: `line ${look}`,
          points: points.map(([n, share]) => `${x(n)},${y(share)}`).join(" ") });
      for (const [n, share] of points)
        add(svg, "path", { d: SHAPES[shape], class: `mark ${look}`,
          transform: `translate(${x(n)} ${y(share)})` });
      const key = [LEFT + 8 + (place % 2) * 195, 318 + 22 * Math.floor(place / 2)];
      add(svg, "path", { d: SHAPES[shape], class: `mark ${look}`,
        transform: `translate(${key[0]} ${key[1] - 5})` });
      add(svg, "text", { x: key[0] + 14, y: key[1] }, words);
    });
    svg.setAttribute("aria-label", Lab.chartWords(scores));
  };

  Lab.chartWords = function (scores) {
    const lines = Object.entries(scores).filter(([, line]) => line.size).map(([way, line]) => {
      const [n, share] = [...line].sort((a, b) => b[0] - a[0])[0];
      return `${Lab.WAYS[way].words} ${Math.round(100 * share)} % with ${n} examples`;
    });
    return lines.length ? `Accuracy by number of examples: ${lines.join("; ")}.` : "No scores yet";
  };
});
